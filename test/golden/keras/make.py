"""Makes the files beside this one: small Keras 3 models of every kind of layer, as Keras saves them, and what Keras computes.

    PYTHONPATH=... python3 test/golden/keras/make.py [OUT]

Made with Keras 3.15.1 on TensorFlow 2.21.0 (CPU). The .keras archives are packed again with deflate, which Keras does not
do and readers must take; the .h5 files are as saved. Weights are random, moving statistics too.
"""
import base64, io, json, os, sys, tempfile, zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np
import tensorflow as tf
import keras
from keras import layers as L, ops

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
MODELS = {}


def model(fn):
    MODELS[fn.__name__] = fn
    return fn


def seq(shape, *layers, dtype=None, name=None):
    return keras.Sequential([L.Input(shape, dtype=dtype), *layers], name=name)


def ends(x, units=3):
    return L.Dense(units, activation="softmax", name="probs")(x)


@model
def gru_reset_after():
    return seq((5, 4), L.GRU(6, return_sequences=True), L.GRU(5, reset_after=False), L.Dense(3))


@model
def hard_activations():
    x = L.Input((6,))
    ys = [L.Dense(4, activation=a)(x) for a in (
        "hard_sigmoid", "silu", "swish", "gelu", "mish", "hard_silu", "leaky_relu", "celu", "exponential", "log_sigmoid",
        "squareplus", "soft_shrink", "hard_shrink", "tanh_shrink", "sparse_plus", "sparse_sigmoid", "sparsemax",
        "hard_tanh", "relu6", "elu", "selu", "softplus", "softsign", "tanh", "sigmoid", "softmax", "log_softmax")]
    return keras.Model(x, L.Dense(3)(L.Concatenate()(ys)))


@model
def relu_options():
    return seq((8,), L.Dense(8), L.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.2), L.Dense(8), L.LeakyReLU(negative_slope=0.07),
               L.Dense(8), L.ELU(alpha=0.5), L.Dense(8), L.PReLU(), L.Dense(8), L.ReLU(6.0), L.Dense(8), L.ReLU(), L.Dense(8), L.Activation("silu"), L.Dense(3))


@model
def pooling_keepdims():
    x = L.Input((6, 6, 3))
    a = L.GlobalAveragePooling2D(keepdims=True)(x)
    b = L.GlobalMaxPooling2D(keepdims=True)(x)
    y = L.Multiply()([x, a])
    y = L.Add()([y, b])
    return keras.Model(x, L.Dense(3)(L.Flatten()(y)))


@model
def squeeze_excite():
    x = L.Input((8, 8, 3))
    y = L.Conv2D(8, 3, padding="same", activation="swish")(x)
    s = L.GlobalAveragePooling2D()(y)
    s = L.Reshape((1, 1, 8))(s)
    s = L.Conv2D(2, 1, activation="relu")(s)
    s = L.Conv2D(8, 1, activation="hard_sigmoid")(s)
    y = L.Multiply()([y, s])
    return keras.Model(x, ends(L.GlobalMaxPooling2D()(y)))


@model
def dilated_depthwise():
    return seq((9, 9, 3), L.DepthwiseConv2D(3, dilation_rate=2, depth_multiplier=2, activation="relu"),
               L.DepthwiseConv2D(3, dilation_rate=2, padding="same"), L.SeparableConv2D(4, 3, dilation_rate=2, padding="same"),
               L.DepthwiseConv2D(3, strides=2, padding="same"), L.Flatten(), L.Dense(3))


@model
def dilated_convolutions():
    return seq((12, 12, 2), L.Conv2D(4, 3, dilation_rate=2, activation="relu"), L.Conv2D(4, 3, dilation_rate=(1, 2), padding="same"), L.Flatten(), L.Dense(3))


@model
def transposed():
    return seq((4, 5, 3), L.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1), L.Conv2DTranspose(3, 3, strides=2, output_padding=0),
               L.Conv2DTranspose(2, 2, strides=3, padding="same", activation="relu"), L.Conv2DTranspose(2, 2, strides=3), L.Conv2DTranspose(2, 3, dilation_rate=2, padding="same"),
               L.GlobalAveragePooling2D(), L.Dense(3))


@model
def transposed_1d():
    return seq((5, 3), L.Conv1DTranspose(4, 3, strides=2, padding="same", activation="relu"), L.Conv1DTranspose(3, 4, strides=3),
               L.Conv1DTranspose(3, 3, strides=2, padding="same", output_padding=0), L.Flatten(), L.Dense(3))


@model
def batchnorm_axes():
    return seq((4, 5, 6), L.BatchNormalization(axis=1), L.Conv2D(4, 3), L.BatchNormalization(scale=False), L.ReLU(),
               L.BatchNormalization(center=False, axis=2), L.Flatten(), L.BatchNormalization(), L.Dense(3))


@model
def upsampling():
    return seq((4, 3, 2), L.UpSampling2D(2, interpolation="bilinear"), L.Conv2D(3, 3), L.UpSampling2D((2, 3)), L.UpSampling2D(2, interpolation="bicubic"), L.Conv2D(3, 3, strides=2),
               L.UpSampling2D(2, interpolation="lanczos3"), L.Flatten(), L.Dense(3))


@model
def causal():
    return seq((12, 3), L.Conv1D(4, 3, padding="causal", activation="relu"), L.Conv1D(4, 2, padding="causal", dilation_rate=4), L.Conv1D(4, 3, strides=2, padding="same"),
               L.Conv1D(4, 2, dilation_rate=2), L.GlobalMaxPooling1D(), L.Dense(3))


@model
def grouped():
    return seq((8, 8, 4), L.Conv2D(8, 3, groups=2, activation="relu"), L.Conv2D(8, 3, groups=4, strides=2, padding="same"), L.Reshape((-1, 8)), L.Conv1D(4, 3, groups=2), L.Flatten(), L.Dense(3))


@model
def one_dimension():
    return seq((12, 4), L.ZeroPadding1D((1, 2)), L.SeparableConv1D(6, 3, padding="same", activation="relu"), L.UpSampling1D(2), L.Cropping1D((2, 1)), L.DepthwiseConv1D(3, strides=2, padding="same", depth_multiplier=2),
               L.SpatialDropout1D(0.2), L.MaxPooling1D(2), L.AveragePooling1D(2, strides=1, padding="same"), L.GlobalAveragePooling1D(keepdims=True), L.Flatten(), L.Dense(3))


@model
def three_dimensions():
    return seq((6, 6, 6, 2), L.ZeroPadding3D(1), L.Conv3D(4, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling3D(2), L.UpSampling3D(2), L.Cropping3D(1), L.SpatialDropout3D(0.1),
               L.AveragePooling3D(2), L.GlobalAveragePooling3D(), L.Dense(3))


@model
def transposed_3d():
    return seq((3, 3, 3, 2), L.Conv3DTranspose(3, 3, strides=2, padding="same"), L.Conv3D(3, 2, dilation_rate=2), L.GlobalMaxPooling3D(), L.Dense(3))


@model
def norms():
    x = L.Input((6, 8))
    y = L.LayerNormalization(axis=[1, 2])(x)
    y = L.LayerNormalization(epsilon=1e-6, center=False)(y)
    y = L.GroupNormalization(groups=4)(y)
    y = L.Dense(8)(y)
    y = L.GroupNormalization(groups=-1)(y)
    y = L.RMSNormalization()(y)
    y = L.Dense(8)(y)
    y = L.UnitNormalization()(y)
    return keras.Model(x, L.Dense(3)(L.Flatten()(y)))


@model
def normalization_adapted():
    n = L.Normalization()
    n.adapt(np.random.default_rng(3).normal(2, 3, (50, 5)).astype("float32"))
    return seq((5,), n, L.Dense(4, activation="tanh"), L.Dense(3))


@model
def normalization_constants():
    return seq((4, 4, 3), L.Rescaling(1 / 127.5, offset=-1), L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5]), L.Rescaling([1.0, 2.0, 3.0]), L.Flatten(), L.Dense(3))


@model
def attention_full():
    x = L.Input((6, 8))
    m = L.Input((7, 5))
    y = L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    y = L.LayerNormalization()(L.Add()([x, y]))
    z = L.MultiHeadAttention(3, 4, value_dim=5, output_shape=8, use_bias=False)(y, m)
    z = L.Add()([z, y])
    z = L.MultiHeadAttention(2, 3, dropout=0.1)(z, m, key=m)
    return keras.Model([x, m], ends(L.GlobalAveragePooling1D()(z)))


@model
def attention_mask_input():
    x = L.Input((5, 6))
    m = L.Input((5, 5), dtype="bool")
    y = L.MultiHeadAttention(2, 4)(x, x, attention_mask=m)
    return keras.Model([x, m], L.Dense(3)(L.Flatten()(y)))


@model
def attention_tokens():
    t = L.Input((7,), dtype="int32")
    e = L.Embedding(20, 8, mask_zero=True)(t)
    y = L.MultiHeadAttention(2, 4)(e, e)
    y = L.Add()([e, y])
    y = L.GlobalAveragePooling1D()(y)
    return keras.Model(t, L.Dense(3)(y))


@model
def attention_plain():
    q = L.Input((4, 6))
    v = L.Input((5, 6))
    a = L.Attention(use_scale=True)([q, v])
    b = L.AdditiveAttention()([q, v, v])
    c = L.Attention(score_mode="concat")([q, v], use_causal_mask=True)
    return keras.Model([q, v], L.Dense(3)(L.Flatten()(L.Concatenate()([a, b, c]))))


@model
def attention_grouped():
    x = L.Input((5, 6))
    y = L.GroupQueryAttention(4, 4, 2)(x, x)
    return keras.Model(x, L.Dense(3)(L.Flatten()(y)))


@model
def merges():
    a = L.Input((4,))
    b = L.Input((4,))
    ys = [c()([a, b]) for c in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum)]
    ys.append(L.Dot(axes=1)([a, b]))
    ys.append(L.Dot(axes=-1, normalize=True)([a, b]))
    return keras.Model([a, b], L.Dense(3)(L.Concatenate()(ys)))


@model
def masked_lstm():
    return seq((8,), L.Embedding(20, 6, mask_zero=True), L.LSTM(5, return_sequences=True), L.GRU(4), L.Dense(3), dtype="int32")


@model
def masked_autoencoder():
    return seq((6, 3), L.Masking(0.0), L.LSTM(4), L.RepeatVector(6), L.LSTM(5, return_sequences=True), L.TimeDistributed(L.Dense(3)))


@model
def masked_average():
    return seq((8,), L.Embedding(20, 6, mask_zero=True), L.GlobalAveragePooling1D(), L.Dense(3), dtype="int32")


@model
def masked_functional():
    t = L.Input((8,), dtype="int32", name="tokens")
    e = L.Embedding(20, 6, mask_zero=True)(t)
    y = L.Bidirectional(L.LSTM(4, return_sequences=True))(e)
    y = L.Dropout(0.3)(y)
    y = L.GRU(5)(y)
    u = L.Input((8, 2))
    z = L.SimpleRNN(3)(u)
    return keras.Model([t, u], L.Dense(3)(L.Concatenate()([y, z])))


@model
def bidirectionals():
    return seq((6, 3), L.Bidirectional(L.LSTM(4, return_sequences=True)), L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode="sum"), L.Bidirectional(L.SimpleRNN(3), merge_mode="ave"), L.Dense(3))


@model
def time_distributed():
    return seq((4, 6, 6, 2), L.TimeDistributed(L.Conv2D(3, 3, activation="relu")), L.TimeDistributed(L.BatchNormalization()), L.TimeDistributed(L.GlobalMaxPooling2D()), L.LSTM(4, go_backwards=True), L.Dense(3))


@model
def time_distributed_model():
    inner = seq((6, 6, 2), L.Conv2D(3, 3, activation="relu"), L.Flatten(), L.Dense(4), name="inner")
    return seq((4, 6, 6, 2), L.TimeDistributed(inner), L.LSTM(4), L.Dense(3))


@model
def encoder_decoder():
    a = L.Input((5, 3))
    b = L.Input((4, 2))
    _, h, c = L.LSTM(4, return_state=True)(a)
    y = L.LSTM(4, return_sequences=True)(b, initial_state=[h, c])
    z = L.GRU(4)(y)
    return keras.Model([a, b], L.Dense(3)(z))


@model
def stacked_cells():
    return seq((5, 3), L.RNN(L.StackedRNNCells([L.LSTMCell(4), L.GRUCell(3)])), L.Dense(3))


@model
def einsum_dense():
    return seq((5, 6), L.EinsumDense("abc,cde->abde", output_shape=(5, 2, 3), bias_axes="de", activation="relu"), L.EinsumDense("abde,def->abf", output_shape=(5, 4), bias_axes="f"), L.EinsumDense("...x,xy->...y", output_shape=3), L.Flatten(), L.Dense(3))


@model
def operations():
    x = L.Input((5, 4))
    y = x * 2 + 1
    y = y / (ops.abs(x) + 0.5)
    y = y - ops.mean(y, axis=-1, keepdims=True)
    a = y[:, 0]
    b = y[:, -1, ::-1]
    c = ops.max(y, axis=1)
    d = ops.sqrt(ops.sum(ops.square(y), axis=(1, 2)))
    e = ops.matmul(y, ops.transpose(y, (0, 2, 1)))
    f = ops.reshape(e, (-1, 25))
    g = ops.concatenate([a, b, c, ops.expand_dims(d, -1), f], axis=-1)
    g = ops.where(g > 0, g, 0.1 * g)
    g = ops.clip(g, -3, 3)
    h = ops.sigmoid(ops.stack([a, b], axis=1))
    i = 1 - ops.softmax(ops.squeeze(h[:, :1], 1))
    return keras.Model(x, L.Dense(3)(L.Concatenate()([g, i, ops.maximum(a, b), ops.power(ops.exp(-ops.abs(c)), 2)])))


@model
def positions():
    x = L.Input((9, 9, 1))
    y = L.Conv2D(6, 3, strides=3)(x)
    y = L.Reshape((9, 6))(y)
    y = L.LayerNormalization(epsilon=1e-6)(y)
    z = L.MultiHeadAttention(2, 3)(y, y)
    y = y + z
    y = L.Dense(8, activation="gelu")(y)
    return keras.Model(x, ends(y[:, 0]))


@model
def preprocessing():
    return seq((10, 12, 3), L.Resizing(6, 7), L.CenterCrop(4, 5), L.RandomFlip(), L.RandomRotation(0.1), L.RandomZoom(0.1), L.Rescaling(0.1), L.Conv2D(4, 3), L.SpatialDropout2D(0.2), L.GaussianNoise(0.1), L.Flatten(), L.Dense(3))


@model
def categories():
    t = L.Input((4,), dtype="int32")
    x = L.Input((3,))
    a = L.CategoryEncoding(6, output_mode="multi_hot")(t)
    b = L.CategoryEncoding(6, output_mode="count")(t)
    c = L.Discretization([-0.5, 0.1, 0.7], output_mode="one_hot")(x)
    return keras.Model([t, x], L.Dense(3)(L.Concatenate()([a, b, L.Flatten()(c)])))


@model
def softmax_axes():
    x = L.Input((4, 5))
    return keras.Model(x, L.Dense(3)(L.Flatten()(L.Concatenate()([L.Softmax(axis=1)(x), L.Softmax()(x), L.Softmax(axis=(1, 2))(x)]))))


@model
def shared_nested():
    inner = seq((4,), L.Dense(4, activation="relu", name="d"), L.BatchNormalization(name="n"), name="tower")
    x = L.Input((4,))
    other = seq((4,), L.Dense(4, name="d"), name="tower_b")
    f = keras.Model(x, [inner(x), L.Dense(2, name="d2")(x)], name="two_out")
    a = L.Input((4,), name="a")
    b = L.Input((4,), name="b")
    p, q = f(a)
    r, s = f(b)
    t = other(other(p))
    return keras.Model({"a": a, "b": b}, [L.Concatenate(name="out")([p, q, r, s, t]), L.Dense(2, name="second")(t)])


@model
def nested_frozen():
    base = seq((8, 8, 3), L.Conv2D(4, 3, name="conv"), L.BatchNormalization(name="bn"), L.ReLU(name="act"), L.Conv2D(4, 3, name="conv_b"), L.BatchNormalization(name="bn_b"), name="backbone")
    base.trainable = False
    return seq((8, 8, 3), base, L.GlobalAveragePooling2D(), L.Dense(3))


@model
def nested_half_frozen():
    x = L.Input((8, 8, 3))
    y = L.Conv2D(4, 3, name="conv")(x)
    y = L.BatchNormalization(name="bn")(y)
    y = L.Conv2D(4, 3, name="conv_b")(y)
    y = L.BatchNormalization(name="bn_b")(y)
    base = keras.Model(x, y, name="backbone")
    for name in ("conv", "bn"):
        base.get_layer(name).trainable = False
    i = L.Input((8, 8, 3))
    return keras.Model(i, L.Dense(3)(L.Flatten()(base(i))))


@model
def channels_first():
    return seq((3, 6, 6), L.Permute((2, 3, 1)), L.Conv2D(4, 3, activation="relu"), L.Permute((3, 1, 2)), L.ZeroPadding2D(1, data_format="channels_first"), L.UpSampling2D(2, data_format="channels_first"), L.Flatten(data_format="channels_first"), L.Dense(3))


@model
def identity_flatten():
    return seq((4, 3), L.Identity(), L.Permute((2, 1)), L.Flatten(), L.ActivityRegularization(0.1), L.Dropout(0.5), L.AlphaDropout(0.1), L.GaussianDropout(0.1), L.RepeatVector(2), L.Flatten(), L.Dense(3))


@model
def mixed_float16():
    return seq((6,), L.Dense(5, activation="relu", dtype="mixed_float16"), L.Dense(3))


@model
def unet():
    x = L.Input((8, 8, 2))
    a = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    b = L.MaxPooling2D(2)(a)
    b = L.Conv2D(6, 3, padding="same", activation="relu")(b)
    c = L.Conv2DTranspose(4, 2, strides=2, padding="same")(b)
    c = L.Concatenate(axis=-1)([a, L.Cropping2D(0)(c)])
    return keras.Model(x, L.Conv2D(1, 1, activation="sigmoid")(L.BatchNormalization()(c)))


@model
def average_same():
    return seq((7, 7, 2), L.Conv2D(3, 2, padding="same"), L.AveragePooling2D(3, strides=2, padding="same"), L.MaxPooling2D(2, padding="same"), L.Flatten(), L.Dense(3))


@model
def conv_lstm():
    return seq((3, 6, 6, 2), L.ConvLSTM2D(3, 3, padding="same"), L.GlobalAveragePooling2D(), L.Dense(3))


@model
def masked_bidirectional():
    x = L.Input((6,), dtype="int32")
    y = L.Embedding(7, 4, mask_zero=True)(x)
    y = L.Bidirectional(L.LSTM(3, return_sequences=True, dropout=0.2))(y)
    y = L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode="sum")(y)
    y = L.Bidirectional(L.RNN(L.SimpleRNNCell(3), return_sequences=True), merge_mode="ave")(y)
    return keras.Model(x, L.Dense(3)(L.RNN([L.LSTMCell(3), L.GRUCell(4)])(y)))


@model
def masked_attention_decoder():
    x, t = L.Input((5,), dtype="int32"), L.Input((6,), dtype="int32")
    e, h = L.GRU(5, return_sequences=True, return_state=True)(L.Embedding(8, 4, mask_zero=True)(x))
    embedding = L.Embedding(8, 4, mask_zero=True)
    d = L.GRU(5, return_sequences=True)(embedding(t), initial_state=h)
    y = L.Concatenate()([d, L.Attention()([d, e])])
    own = L.MultiHeadAttention(2, 4)(embedding(t), embedding(t), use_causal_mask=True)
    return keras.Model([x, t], L.Dense(8)(L.Concatenate()([y, own])))


@model
def masked_merges():
    x = L.Input((6,), dtype="int32")
    e = L.Embedding(7, 4, mask_zero=True)(x)
    bare = L.Conv1D(4, 3, padding="same")(e)
    ys = [L.Add()([e, L.Dense(4)(e)]), L.Add()([e, bare]), L.Multiply()([e, L.Dense(4, activation="sigmoid")(e)]), L.Multiply()([e, bare]),
          L.Concatenate()([e, bare]), L.RMSNormalization()(e), L.Dropout(0.1)(L.LayerNormalization()(e))]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.LSTM(3)(y) for y in ys])))


@model
def masked_attention_scores():
    x, t = L.Input((6, 4)), L.Input((5,), dtype="int32")
    e = L.Embedding(7, 4, mask_zero=True)(t)
    z, s = L.MultiHeadAttention(2, 4, dropout=0.1)(x, e, return_attention_scores=True)
    # Keras has taken the mask off e.
    a, b = L.AdditiveAttention()([x, e], return_attention_scores=True)
    return keras.Model([x, t], [L.Dense(3)(L.Concatenate()([z, a])), s, b, L.LSTM(3)(e)])


@model
def residual_attention():
    x = L.Input((5, 6))
    y = L.Dense(6)(x)
    y = L.LayerNormalization()(L.Add()([y, L.MultiHeadAttention(2, 3)(y, y)]))
    return keras.Model(x, L.Dense(3)(y * y + y))


@model
def resizing_options():
    x = L.Input((9, 7, 2))
    ys = [L.Resizing(5, 6, crop_to_aspect_ratio=True)(x), L.Resizing(4, 11, pad_to_aspect_ratio=True, fill_value=0.5)(x),
          L.Resizing(4, 3, antialias=True, interpolation="bicubic")(x), L.Resizing(13, 5, interpolation="bicubic")(x), L.CenterCrop(12, 5)(x), L.CenterCrop(4, 4)(x)]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Flatten()(y) for y in ys])))


@model
def adaptive_pooling():
    x = L.Input((7, 5, 2))
    ys = [L.AdaptiveAveragePooling2D((3, 2))(x), L.AdaptiveMaxPooling2D(3)(x), L.AdaptiveAveragePooling1D(3)(L.Reshape((7, 10))(x)), L.AdaptiveMaxPooling3D((2, 3, 2))(L.Reshape((7, 5, 2, 1))(x))]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Flatten()(y) for y in ys])))


@model
def spectral_normalization():
    return seq((6, 7, 2), L.SpectralNormalization(L.Conv2D(3, 3, activation="relu")), L.Flatten(), L.Flatten(), L.SpectralNormalization(L.Dense(4)), L.Dense(3))


@model
def channels_first_1d():
    x = L.Input((4, 12))
    ys = [L.MaxPooling1D(3, strides=2, data_format="channels_first")(x), L.AveragePooling1D(2, data_format="channels_first")(x),
          L.GlobalMaxPooling1D(data_format="channels_first")(x), L.GlobalAveragePooling1D(data_format="channels_first")(x)]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Flatten()(y) for y in ys])))


@model
def volumes():
    return seq((5, 6, 4, 2), L.Conv3D(4, (2, 3, 2), strides=(1, 2, 1), padding="same", groups=2, activation="relu"), L.AveragePooling3D(2, padding="same"), L.Conv3DTranspose(2, 3, strides=2, output_padding=1), L.Conv3D(2, 2, dilation_rate=2), L.Flatten(), L.Dense(3))


@model
def records():
    b, a = L.Input((4,), name="b"), L.Input((3,), name="a")
    y = L.Concatenate()([b, a])
    return keras.Model({"b": b, "a": a}, {"z": L.Dense(2, name="z")(y), "c": L.Dense(3, name="c")(y)})


@model
def sequential_in_sequential():
    inner = seq((5,), L.Dense(4), L.BatchNormalization(), name="inner")
    x = L.Input((5,))
    branch = keras.Model(x, L.Add()([L.Dense(4)(x), L.Dense(4)(x)]), name="branch")
    return seq((6,), L.Dense(5), seq((5,), L.Dense(5), inner, L.Dense(5), branch, name="outer"), L.Dense(3))


@model
def operations_elementwise():
    x = L.Input((4, 6))
    ys = [ops.glu(x), ops.celu(x, alpha=0.7), ops.squareplus(x, b=2), ops.hard_shrink(x, 0.3), ops.soft_shrink(x, 0.3), ops.threshold(x, 0.2, 0.1), ops.sparsemax(x),
          ops.arctan2(x, ops.abs(x) + 1), ops.logaddexp(x, 0.5), ops.divide_no_nan(x, ops.relu(x)), ops.exp2(x), ops.arcsinh(x), ops.nan_to_num(x), ops.clip(x, -0.5, 0.5), ops.where(x > 0, x, 0.0),
          ops.cast(ops.cast(x * 3, "int32"), "float32"), ops.cast(ops.isclose(x, x), "float32"), ops.gelu(x), ops.gelu(x, approximate=False), x + np.arange(6, dtype="float32"), 1 / (x * x + 1), x // 0.7, x % 0.7]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Flatten()(y) for y in ys])))


@model
def operations_reductions():
    x = L.Input((4, 6))
    ys = [ops.normalize(x, axis=-1), ops.norm(x, axis=1), ops.norm(x, ord=1, axis=1), ops.norm(x, ord=np.inf, axis=1), ops.norm(x, ord="fro", axis=(1, 2))[:, None], *ops.moments(x, axes=[1]),
          ops.average(x, axis=1), ops.std(x, axis=1), ops.sort(x, axis=1), ops.top_k(x, 2)[0], ops.logsumexp(x, axis=-1), ops.rms_normalization(x), ops.layer_normalization(x), ops.cast(ops.argmin(x, axis=1), "float32"), ops.cumsum(x, axis=1)]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Flatten()(y) for y in ys])))


@model
def operations_shaping():
    x = L.Input((4, 6))
    ys = [ops.roll(x, 2, axis=1), ops.moveaxis(x, 1, 2), *ops.array_split(x, 4, axis=2), ops.unstack(x, axis=1)[2], ops.take(x, [-1, 0], axis=-1), ops.take_along_axis(x, ops.argsort(x, axis=-1), axis=-1), ops.repeat(x, [1, 2, 0, 1], axis=1),
          ops.pad(x, [[0, 0], [1, 2], [2, 1]], mode="reflect"), ops.tril(x), ops.triu(x, k=1), ops.diagonal(x, axis1=1, axis2=2), ops.diff(x, axis=1), ops.rot90(x, axes=(1, 2)), ops.one_hot(ops.argmax(x, -1), 6, axis=1), ops.hstack([x, x])]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Flatten()(y) for y in ys])))


@model
def operations_products():
    x = L.Input((4, 6))
    q = ops.reshape(x, (-1, 4, 2, 3))
    ys = [ops.einsum("bij,bkj->bik", x, x), ops.einsum("bij->bj", x), ops.einsum("...ij,...kj->...ik", x, x), ops.einsum("bij,bkj,bkl->bil", x, x, x),
          ops.tensordot(x, ops.ones((6, 3)), axes=1), ops.dot(x, ops.ones((6, 2))), ops.dot_product_attention(q, q, q, is_causal=True)]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Flatten()(y) for y in ys])))


@model
def operations_images():
    x = L.Input((6, 4, 4))
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 2)).astype("float32")
    ys = [ops.image.extract_patches(x, (2, 2)), ops.image.extract_patches(x, (3, 3), strides=2, padding="same"), ops.image.resize(x, (4, 7)), ops.image.crop_images(x, top_cropping=1, left_cropping=1, target_height=3, target_width=2),
          ops.image.pad_images(x, top_padding=1, left_padding=0, target_height=8, target_width=5), ops.max_pool(x, 2, 2, "same"), ops.average_pool(x, 3, 2, "same"), ops.conv(x, kernel, 1, "same"), ops.depth_to_space(x, 2), ops.space_to_depth(x, 2)]
    return keras.Model(x, L.Dense(3)(L.Concatenate()([L.Flatten()(y) for y in ys])))


def encode(a):
    a = np.asarray(a)
    if a.dtype == "int64":
        a = a.astype("int32")
    kind = {"float32": "<f4", "int32": "<i4", "bool": "u1"}[str(a.dtype)]
    return {"dtype": str(a.dtype), "shape": list(a.shape), "data": base64.b64encode(np.ascontiguousarray(a).astype(kind).tobytes()).decode()}


@model
def names():
    """Names that Keras takes and tfjs does not, one of them twice once they are changed; inside, too, and of wrapped layers."""
    x = L.Input((6, 6, 1), name="the input")
    inner = keras.Sequential([L.Input((6, 6, 1)), L.Conv2D(2, 3, name="a conv"), L.BatchNormalization(name="a bn")], name="inner part")
    y = L.ReLU(name="a_conv")(inner(x))
    y = L.Reshape((4, 8), name="a conv")(y)
    y = L.Add(name="(sum) of: two")([y, y])
    y = L.Bidirectional(L.LSTM(3, name="own lstm"), name="both ways")(y)
    return keras.Model(x, [L.Dense(2, name="the output")(y), L.Dense(2, name="\u00e4u\u00dfere")(y) * 2], name="a model")


@model
def numbers():
    """An input of one number a sample, and an output of one."""
    x = L.Input((4,), name="x")
    time = L.Input((), dtype="int32", name="time")
    e = ops.cast(time, "float32")[:, None] * ops.exp(-ops.arange(3, dtype="float32"))
    e = ops.concatenate([ops.sin(e), ops.cos(e), L.Embedding(9, 2)(time)], axis=-1)
    y = L.Dense(5)(x) + L.Dense(5)(e)
    return keras.Model([x, time], [L.Dense(1)(y)[:, 0], y])


@model
def fourier():
    x = L.Input((6, 5))
    a, b = ops.fft2((x, ops.zeros_like(x)))
    c, d = ops.ifft2((a * 0.5, b + x))
    e, f = ops.fft((c, d))
    g, h = ops.rfft(x)
    i, j = ops.rfft(e, fft_length=8)
    k, l = ops.rfft(f, fft_length=4)
    return keras.Model(x, L.Dense(3)(L.Flatten()(ops.concatenate([a, b, g, h, i, j, k, l], axis=-1))))


@model
def volumes_normalized():
    """More axes than tfjs normalizes, a crop that prediction leaves out, conditions made of conditions."""
    x = L.Input((2, 4, 4, 2))
    y = L.LayerNormalization()(L.Conv3D(3, (1, 3, 3))(x))
    y = ops.where(ops.logical_and(y > -0.5, ops.logical_not(ops.logical_or(y > 1, y == 0))), y, y * 0.1)
    y = L.RandomCrop(2, 2)(L.Reshape((4, 2, 3))(y)[:, :2])
    return keras.Model(x, L.Dense(3)(L.Flatten()(y)))


@model
def named_tensors():
    """Tensors by name, in another order than that of the names, of one shape; one output twice."""
    a, b = L.Input((3,), name="a"), L.Input((3,), name="b")
    inner = keras.Model({"minuend": b, "subtrahend": a}, {"less": L.Subtract()([b, a]), "both": L.Concatenate()([a, b])}, name="inner")
    x, y = L.Input((3,), name="x"), L.Input((3,), name="y")
    one = inner({"subtrahend": x, "minuend": y})
    two = inner({"minuend": L.Dense(3)(x), "subtrahend": y})
    z = L.Dense(2)(L.Concatenate()([one["less"], two["both"]]))
    return keras.Model({"y": y, "x": x}, [z, two["less"], z])


@model
def wrapped_twice():
    x = L.Input((3, 4, 2))
    y = L.TimeDistributed(L.Bidirectional(L.LSTM(2, return_sequences=True)))(x)
    y = L.TimeDistributed(L.TimeDistributed(L.Dense(3, activation=L.LeakyReLU(negative_slope=0.1))))(y)
    y = L.TimeDistributed(L.GRU(2))(L.MixUp()(y))
    return keras.Model(x, L.Dense(2, activation=L.LeakyReLU())(L.Flatten()(y)))


@model
def lookups():
    x = L.Input((4,), dtype="int64", name="x")
    a = L.IntegerLookup(vocabulary=[4, 3, 9])(x)
    b = L.IntegerLookup(vocabulary=[4, 1], num_oov_indices=3, mask_token=0)(x)
    c = L.IntegerLookup(vocabulary=[3, 2], num_oov_indices=2, output_mode="multi_hot", max_tokens=9)(x)
    d = L.IntegerLookup(vocabulary=[3, 5], output_mode="one_hot")(x[:, :1])
    e = L.IntegerLookup(vocabulary=[0, 5], output_mode="count")(x)
    y = L.Concatenate()([L.Flatten()(L.Embedding(4, 2)(a)), L.Flatten()(L.Embedding(6, 2)(b)), c, d, e])
    return keras.Model(x, [L.Dense(3)(y), a, b])


@model
def bidirectional_states():
    a, b = L.Input((4, 2)), L.Input((3, 2))
    y, fh, fc = L.LSTM(2, return_sequences=True, return_state=True)(a)
    _, bh, bc = L.LSTM(2, go_backwards=True, return_state=True)(a)
    z = L.Bidirectional(L.LSTM(2, return_sequences=True))(b, initial_state=[bh, fc, fh, bc])
    z, s = L.GRU(2, return_sequences=True, return_state=True, go_backwards=True)(z, initial_state=bc)
    return keras.Model([a, b], [L.Dense(2)(L.Flatten()(L.Concatenate(axis=1)([L.Dense(2)(y), z]))), s])


def draw(tensor, rng, masked):
    shape = (2, *tensor.shape[1:])
    if tensor.dtype in ("int32", "int64"):
        x = rng.integers(1, 6, shape).astype("int32")
        if len(shape) > 1:
            x[0, -2:] = 0  # padding
        return x
    if tensor.dtype == "bool":
        x = rng.integers(0, 2, shape).astype(bool)
        x[..., 0] = True
        return x
    x = rng.normal(0, 1, shape).astype("float32")
    if len(shape) == 3 and masked:
        x[1, -2:] = 0  # what Masking(0) hides
    return x


def main():
    wanted = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else list(MODELS)
    for name in wanted:
        keras.utils.set_random_seed(7)
        keras.backend.clear_session()
        m = MODELS[name]()
        rng = np.random.default_rng(11)
        adapted = {id(w) for l in m.layers if isinstance(l, L.Normalization) for w in l.weights}
        for w in m.weights:
            if w.dtype == "float32" and id(w) not in adapted:
                v = rng.normal(0, 0.5, w.shape).astype("float32")
                w.assign(np.abs(v) + 0.3 if "variance" in w.path else v)
        xs = [draw(t, rng, name.startswith("masked")) for t in m.inputs]
        variables = [tf.constant(x) for x in xs]
        floats = [v for v in variables if v.dtype == tf.float32]
        with tf.GradientTape() as tape:
            for v in floats:
                tape.watch(v)
            given = dict(zip([t.name for t in m.inputs], variables)) if isinstance(getattr(m, "_inputs_struct", None), dict) else variables[0] if len(xs) == 1 else variables
            ys = tf.nest.flatten(m(given, training=False))
            target = tf.reduce_sum(tf.reduce_max(tf.reshape(ys[0], (2, -1)), axis=1))
        try:
            grads = tape.gradient(target, floats) if floats else []
        except Exception as e:  # TensorFlow has no CPU kernel for some
            print(name, "no gradient:", str(e)[:80])
            grads = []
        ref = {"inputs": [encode(x) for x in xs], "outputs": [encode(y) for y in ys], "gradients": [encode(tf.convert_to_tensor(g)) for g in grads if g is not None]}
        saved = os.path.join(tempfile.gettempdir(), "golden.keras")
        m.save(saved)
        with zipfile.ZipFile(saved) as z, zipfile.ZipFile(f"{OUT}/{name}.keras", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as o:
            for member in z.namelist():
                o.writestr(member, z.read(member))
        h5 = f"{OUT}/{name}.h5"
        try:
            m.save(h5)
        except Exception as e:
            print(name, "no .h5:", str(e)[:80])
            if os.path.exists(h5):
                os.remove(h5)
        with open(f"{OUT}/{name}.json", "w") as f:
            json.dump(ref, f)
        print(name, [t.shape for t in m.inputs], [tuple(y.shape) for y in ys], len(ref["gradients"]))


if __name__ == "__main__":
    main()
