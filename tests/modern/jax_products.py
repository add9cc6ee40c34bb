"""Multiply-accumulates of a JAX function, counted in its jaxpr."""

import math


def macs(jaxpr):
    """Of all products and convolutions. The body of a scan counts as often as it runs; zeros that a transposed
    convolution puts between its input's elements are no work."""
    return sum(macs_of(equation) for equation in jaxpr.eqns)


def macs_of(equation):
    name, params = equation.primitive.name, equation.params
    if name == 'dot_general':
        contracted = params['dimension_numbers'][0][0]
        left = equation.invars[0].aval.shape
        return equation.outvars[0].aval.size * math.prod(left[axis] for axis in contracted)
    if name == 'conv_general_dilated':
        x, kernel = (each.aval for each in equation.invars)
        features = kernel.shape[params['dimension_numbers'].rhs_spec[0]]
        if any(dilation > 1 for dilation in params['lhs_dilation']):
            return x.size * kernel.size // kernel.shape[params['dimension_numbers'].rhs_spec[1]] // params[
                'feature_group_count']
        return equation.outvars[0].aval.size * (kernel.size // features)
    if name == 'while':
        raise ValueError('a loop of unknown length')
    inner = [macs(each) for each in inner_jaxprs(params)]
    if name == 'cond':
        return max(inner)
    return sum(inner) * (params['length'] if name == 'scan' else 1)


def inner_jaxprs(params):
    for value in params.values():
        for each in value if isinstance(value, (tuple, list)) else [value]:
            each = getattr(each, 'jaxpr', each)
            if hasattr(each, 'eqns'):
                yield each
