"""
Values and vector-Jacobian products of single operations, computed with TensorFlow 2.21: writes vjp.jsonl beside itself.

    python3 -m pip install tensorflow-cpu==2.21.0
    python3 test/golden/vjp.py

The format is that of the cases that test/support/vjp.ts reads: a graph of one node, its inputs, the cotangent w_0, the value
y_0 and a gradient for each float input; tensors as base64. Kinks, ties, zeros and broadcasts are among the inputs.
"""
import base64
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(7)


def rec(a):
    a = np.asarray(a)
    data = base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()
    return {"dtype": a.dtype.name, "shape": list(a.shape), "data": data}


OPS={
 'add':lambda x,a:x[0]+x[1],'sub':lambda x,a:x[0]-x[1],'mul':lambda x,a:x[0]*x[1],'div':lambda x,a:x[0]/x[1],
 'div_no_nan':lambda x,a:tf.math.divide_no_nan(x[0],x[1]),'maximum':lambda x,a:tf.maximum(*x),'minimum':lambda x,a:tf.minimum(*x),
 'pow':lambda x,a:tf.pow(*x),'squared_difference':lambda x,a:tf.math.squared_difference(*x),
 'matmul':lambda x,a:tf.matmul(x[0],x[1],transpose_a=a.get('transpose_a',False),transpose_b=a.get('transpose_b',False)),
 **{n:(lambda f:lambda x,a:f(x[0]))(f) for n,f in dict(neg=tf.negative,abs=tf.abs,exp=tf.exp,log=tf.math.log,log1p=tf.math.log1p,sqrt=tf.sqrt,rsqrt=tf.math.rsqrt,square=tf.square,reciprocal=tf.math.reciprocal,sin=tf.sin,cos=tf.cos,tanh=tf.tanh,sigmoid=tf.sigmoid,relu=tf.nn.relu,relu6=tf.nn.relu6,elu=tf.nn.elu,selu=tf.nn.selu,erf=tf.math.erf,softplus=tf.math.softplus,sign=tf.sign,floor=tf.floor,identity=tf.identity).items()},
 'leaky_relu':lambda x,a:tf.nn.leaky_relu(x[0],a['alpha']),
 'softmax':lambda x,a:tf.nn.softmax(x[0],axis=a.get('axis',-1)),'log_softmax':lambda x,a:tf.nn.log_softmax(x[0],axis=a.get('axis',-1)),
 'cumsum':lambda x,a:tf.cumsum(x[0],a['axis'],a['exclusive'],a['reverse']),
 **{'reduce_'+n:(lambda f:lambda x,a:f(x[0],axis=a['axis'],keepdims=a['keepdims']))(f) for n,f in dict(sum=tf.reduce_sum,mean=tf.reduce_mean,max=tf.reduce_max,min=tf.reduce_min,prod=tf.reduce_prod,logsumexp=tf.reduce_logsumexp).items()},
 'reshape':lambda x,a:tf.reshape(x[0],a['shape']),'transpose':lambda x,a:tf.transpose(x[0],a['perm']),
 'concat':lambda x,a:tf.concat(x,a['axis']),'stack':lambda x,a:tf.stack(x,a['axis']),
 'slice':lambda x,a:tf.slice(x[0],a['begin'],a['size']),'strided_slice':lambda x,a:tf.strided_slice(x[0],a['begin'],a['end'],a['strides']),
 'pad':lambda x,a:tf.pad(x[0],a['paddings'],mode=a.get('mode','CONSTANT')),'tile':lambda x,a:tf.tile(x[0],a['multiples']),
 'reverse':lambda x,a:tf.reverse(x[0],a['axis']),'expand_dims':lambda x,a:tf.expand_dims(x[0],a['axis']),'squeeze':lambda x,a:tf.squeeze(x[0],a.get('axis')),
 'broadcast_to':lambda x,a:tf.broadcast_to(x[0],a['shape']),
 'gather':lambda x,a:tf.gather(x[0],x[1],axis=a.get('axis'),batch_dims=a.get('batch_dims',0)),'gather_nd':lambda x,a:tf.gather_nd(x[0],x[1]),
 'where':lambda x,a:tf.where(*x),'clip_by_value':lambda x,a:tf.clip_by_value(x[0],a['min'],a['max']),
 'unsorted_segment_sum':lambda x,a:tf.math.unsorted_segment_sum(x[0],x[1],a['num_segments']),
 'extract_patches':lambda x,a:tf.image.extract_patches(x[0],a['sizes'],a['strides'],a['rates'],a['padding']),
 'conv2d':lambda x,a:tf.nn.conv2d(x[0],x[1],a['strides'],a['padding']),'depthwise_conv2d':lambda x,a:tf.nn.depthwise_conv2d(x[0],x[1],a['strides'],a['padding']),
 'conv2d_transpose':lambda x,a:tf.nn.conv2d_transpose(x[0],x[1],a['output_shape'],a['strides'],a['padding']),
 'conv3d':lambda x,a:tf.nn.conv3d(x[0],x[1],a['strides'],a['padding']),
 'conv3d_transpose':lambda x,a:tf.nn.conv3d_transpose(x[0],x[1],a['output_shape'],a['strides'],a['padding']),
 'max_pool3d':lambda x,a:tf.nn.max_pool3d(x[0],a['ksize'],a['strides'],a['padding']),'avg_pool3d':lambda x,a:tf.nn.avg_pool3d(x[0],a['ksize'],a['strides'],a['padding']),
 **{'resize_'+n:(lambda op:lambda x,a:op(images=x[0],size=a['size'],align_corners=a['align_corners'],half_pixel_centers=a['half_pixel_centers']))(op) for n,op in dict(nearest=tf.raw_ops.ResizeNearestNeighbor,bilinear=tf.raw_ops.ResizeBilinear).items()},
 'max_pool':lambda x,a:tf.nn.max_pool2d(x[0],a['ksize'],a['strides'],a['padding']),'avg_pool':lambda x,a:tf.nn.avg_pool2d(x[0],a['ksize'],a['strides'],a['padding']),
}
out=[]
def f(*s,lo=None): 
    a=rng.normal(size=s).astype(np.float32)
    return np.abs(a)+lo if lo is not None else a
def case(op,ins,attrs={},xs=None,kind=None):
    names=['i%d'%k for k in range(len(ins))]
    xs=xs if xs is not None else [n for n,v in zip(names,ins) if v.dtype==np.float32]
    nodes=[{"name":"y","op":op,"in":names,"attrs":attrs}]
    t={n:tf.constant(v) for n,v in zip(names,ins)}
    with tf.GradientTape() as tape:
        for n in xs: tape.watch(t[n])
        y=OPS[op]([t[n] for n in names],attrs)
        w=rng.normal(size=y.shape).astype(np.float32)
    g=tape.gradient(y,[t[n] for n in xs],output_gradients=tf.constant(w),unconnected_gradients='zero')
    outs={"y_0":rec(y.numpy())}
    sc=1e-5*max(1,float(np.nanmax(np.abs(np.where(np.isfinite(y.numpy()),y.numpy(),0)))) if y.numpy().size else 1)
    for i,gg in enumerate(g):
        gg=tf.convert_to_tensor(gg).numpy(); outs["grad_%d"%i]=rec(gg)
        if gg.size: sc=max(sc,2e-6*float(np.max(np.abs(np.where(np.isfinite(gg),gg,0)))))
    inputs={n:rec(v) for n,v in zip(names,ins)}; inputs["w_0"]=rec(w)
    out.append({"id":"gen-%03d"%len(out),"op":"vjp","kind":kind or op,"args":{"nodes":nodes,"ys":["y"],"xs":xs,"grad_ys":["w_0"],"stop_gradients":[],"unconnected_gradients":"none"},"inputs":inputs,"outputs":outs,"compare":"close","rtol":1e-4,"atol":sc})
def i(*v): return np.array(v,dtype=np.int32)
z=np.array([-2,-1,-0.5,0,0.5,1,2,3,6,7],dtype=np.float32)
for op in ['neg','abs','exp','square','sin','cos','tanh','sigmoid','relu','relu6','elu','selu','erf','softplus','sign','floor','identity']:
    case(op,[f(3,4)])
    case(op,[z],kind=op+' edges')
for op in ['log','log1p','sqrt','rsqrt','reciprocal']: case(op,[f(3,4,lo=0.2)])
case('leaky_relu',[z],{'alpha':0.25})
for op in ['add','sub','mul','div','maximum','minimum','squared_difference','div_no_nan']:
    for s,t in [((3,4),(3,4)),((3,4),(4,)),((3,1),(1,4)),((2,3,4),(3,1)),((),(3,)),((1,),(2,1,3))]:
        case(op,[f(*s),f(*t,lo=0.3)])
case('maximum',[z,z.copy()],kind='max ties')
case('minimum',[z,z.copy()])
case('div_no_nan',[z,np.array([0,1,0,2,0,1,0,1,0,1],np.float32)])
for s,t in [((3,4),(3,4)),((3,4),(4,)),((2,1),(1,3))]: case('pow',[f(*s,lo=0.2),f(*t)])
case('pow',[z,np.full(z.shape,2,np.float32)],kind='pow neg base')
case('pow',[z,np.full(z.shape,3,np.float32)])
case('pow',[z,np.array(2,np.float32)])
for ta in (0,1):
  for tb in (0,1):
    a=f(3,4) if not ta else f(4,3); b=f(4,5) if not tb else f(5,4)
    case('matmul',[a,b],{'transpose_a':bool(ta),'transpose_b':bool(tb)})
    a=f(2,3,4) if not ta else f(2,4,3); b=f(2,4,5) if not tb else f(2,5,4)
    case('matmul',[a,b],{'transpose_a':bool(ta),'transpose_b':bool(tb)})
case('matmul',[f(2,3,4),f(4,5)])
case('matmul',[f(1,3,4),f(3,4,2)])
case('matmul',[f(2,2,3,4),f(1,2,4,2)])
for op in ['softmax','log_softmax']:
    case(op,[f(3,5)])
    case(op,[f(2,3,4)],{'axis':1})
    case(op,[f(4)],{'axis':0})
for ax,ex,re in [(0,False,False),(1,True,False),(2,False,True),(-1,True,True)]: case('cumsum',[f(2,3,4)],{'axis':ax,'exclusive':ex,'reverse':re})
for op in ['sum','mean','max','min','prod','logsumexp']:
    for ax,k in [(None,False),([0],False),([1],True),([0,2],False),([-1],True),([1,2],False)]:
        case('reduce_'+op,[f(2,3,4)],{'axis':ax,'keepdims':k})
for op in ['max','min']:
    case('reduce_'+op,[np.array([[1,2,2],[3,3,3],[0,-1,0]],np.float32)],{'axis':[1],'keepdims':False},kind='ties')
    case('reduce_'+op,[np.array([[1,2,2],[2,2,1]],np.float32)],{'axis':None,'keepdims':True},kind='ties all')
case('reduce_prod',[np.array([[1,0,2],[0,0,3],[4,5,6]],np.float32)],{'axis':[1],'keepdims':False},kind='prod zeros')
case('reshape',[f(2,6)],{'shape':[3,-1]})
case('transpose',[f(2,3,4)],{'perm':[2,0,1]})
case('transpose',[f(2,3,4,5)],{'perm':[0,3,1,2]})
case('concat',[f(2,3),f(2,1),f(2,2)],{'axis':1})
case('concat',[f(2,3),f(1,3)],{'axis':0})
case('stack',[f(2,3),f(2,3)],{'axis':0})
case('stack',[f(2,3),f(2,3),f(2,3)],{'axis':-1})
case('slice',[f(4,5)],{'begin':[1,2],'size':[2,-1]})
case('slice',[f(4,5,2)],{'begin':[0,2,1],'size':[4,2,1]})
case('strided_slice',[f(6,7)],{'begin':[1,0],'end':[6,7],'strides':[2,3]})
case('strided_slice',[f(6,7)],{'begin':[5,1],'end':[0,6],'strides':[-2,1]})
case('strided_slice',[f(9)],{'begin':[-1],'end':[-8],'strides':[-3]})
case('pad',[f(2,3)],{'paddings':[[1,2],[0,3]]})
case('pad',[f(4,5)],{'paddings':[[2,3],[1,4]],'mode':'REFLECT'})
case('pad',[f(2,3,4)],{'paddings':[[0,0],[1,1],[2,3]],'mode':'REFLECT'})
case('tile',[f(2,3)],{'multiples':[3,2]})
case('tile',[f(2,1,3)],{'multiples':[1,4,2]})
case('tile',[f(3)],{'multiples':[5]})
case('reverse',[f(3,4)],{'axis':[0]})
case('reverse',[f(3,4)],{'axis':[0,1]})
case('expand_dims',[f(3,4)],{'axis':1})
case('squeeze',[f(3,1,4)],{'axis':[1]})
case('squeeze',[f(1,3,1)],{})
case('broadcast_to',[f(3,1)],{'shape':[2,3,4]})
case('broadcast_to',[f()],{'shape':[2,3]})
case('broadcast_to',[f(1,4)],{'shape':[3,4]})
case('gather',[f(5,3),i(0,4,4)],{'axis':0})
case('gather',[f(2,5,3),np.array([[0,4],[1,1]],np.int32)],{'axis':1})
case('gather',[f(2,5,3),i(2,0)],{'axis':-1})
case('gather',[f(2,5,3),np.array([[0,4],[1,1]],np.int32)],{'axis':1,'batch_dims':1})
case('gather',[f(2,3,4),np.array([[[0,1]]*3]*2,np.int32)],{'axis':2,'batch_dims':2})
case('gather',[f(4,2),np.array(2,np.int32)],{'axis':0})
case('gather_nd',[f(3,4),np.array([[0,1],[2,3],[0,1]],np.int32)])
case('gather_nd',[f(3,4,2),np.array([[[2]],[[2]]],np.int32)])
case('where',[np.array([[True,False],[False,True]]),f(2,2),f(2,2)])
case('where',[np.array([True,False]),f(3,2),f(2)],kind='where broadcast')
case('clip_by_value',[z],{'min':-1.0,'max':2.0})
case('unsorted_segment_sum',[f(4,3),i(0,2,0,-1)],{'num_segments':3})
case('unsorted_segment_sum',[f(2,3,2),np.array([[0,1,0],[2,2,1]],np.int32)],{'num_segments':4})
case('extract_patches',[f(2,6,5,3)],{'sizes':[1,3,2,1],'strides':[1,2,1,1],'rates':[1,1,2,1],'padding':'SAME'})
for p in ['SAME','VALID']:
    for s in (1,2):
        case('conv2d',[f(2,7,6,3),f(3,2,3,4)],{'strides':[1,s,s,1],'padding':p})
        case('conv2d',[f(1,6,6,8),f(3,3,8,8)],{'strides':[1,s,s,1],'padding':p})
        case('depthwise_conv2d',[f(2,7,6,3),f(3,2,3,2)],{'strides':[1,s,s,1],'padding':p})
        case('max_pool',[f(2,7,6,3)],{'ksize':[1,3,2,1],'strides':[1,s,s,1],'padding':p})
        case('avg_pool',[f(2,7,6,3)],{'ksize':[1,3,2,1],'strides':[1,s,s,1],'padding':p})
        case('max_pool',[np.round(f(1,6,6,2))],{'ksize':[1,2,2,1],'strides':[1,s,s,1],'padding':p},kind='pool ties')
case('conv2d_transpose',[f(2,4,3,3),f(3,3,2,3)],{'output_shape':[2,8,6,2],'strides':[1,2,2,1],'padding':'SAME'})
case('conv2d_transpose',[f(1,3,3,3),f(3,2,2,3)],{'output_shape':[1,5,4,2],'strides':[1,1,1,1],'padding':'VALID'})
for p in ['SAME','VALID']:
    for k,s in [((2,2,2),(1,1,1)),((3,2,1),(2,2,2)),((2,3,3),(1,2,1)),((1,1,1),(1,1,1))]:
        case('conv3d',[f(2,4,3,5,2),f(*k,2,3)],{'strides':[1,*s,1],'padding':p})
        case('max_pool3d',[f(2,4,3,5,2)-2],{'ksize':[1,*k,1],'strides':[1,*s,1],'padding':p})
        case('avg_pool3d',[f(2,4,3,5,2)],{'ksize':[1,*k,1],'strides':[1,*s,1],'padding':p})
case('conv3d_transpose',[f(2,2,3,2,3),f(3,3,3,2,3)],{'output_shape':[2,4,6,4,2],'strides':[1,2,2,2,1],'padding':'SAME'})
case('conv3d_transpose',[f(1,3,2,3,3),f(2,3,1,2,3)],{'output_shape':[1,4,4,3,2],'strides':[1,1,1,1,1],'padding':'VALID'})
for n in ['nearest','bilinear']:
    for size in [[8,6],[5,7],[2,3],[1,1]]:
        for corners,half in [(False,False),(True,False),(False,True)]:
            case('resize_'+n,[f(2,4,3,2)],{'size':size,'align_corners':corners,'half_pixel_centers':half})
with open(os.path.join(os.path.dirname(__file__), "vjp.jsonl"), "w") as file:
    file.writelines(json.dumps(c) + "\n" for c in out)
print(len(out), "cases")
