"""Random tables with answers: numpy_tables.py DIR SEED COUNT. A line a case: number op index arguments… Fields are NumPy's
recfunctions; stacking, grouping and joining are loops over dicts, written for being plainly right."""
import math, os, sys
import numpy as np
from numpy.lib import recfunctions as rfn

out_dir, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(seed)
NUMBERS = '? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16'.split()
KEYS = '? i1 i2 i4 i8 u1 u4 u8 f2 f4 f8 S1 S3 S20 U1 U4 U9 M8[D] m8[s] M8[ns]'.split()
PAYLOADS = NUMBERS + ['S3', 'U5', 'M8[D]', 'm8[h]', ('f4', (2,)), ('i2', (2, 2)), [('p', 'i1'), ('q', 'U2')]]
pick = lambda choices: choices[int(rng.integers(0, len(choices)))]

def values(dtype, n, pool=None, nan=True):
    """n values; from a pool of so many where that is given."""
    d = np.dtype(dtype)
    if d.subdtype: return values(d.base, n * int(np.prod(d.shape)), pool, nan).reshape((n,) + d.shape)
    if d.names:
        out = np.zeros(n, d)
        for name in d.names: out[name] = values(d[name], n, pool, nan)
        return out
    if pool is not None:
        return values(d, pool, None, nan)[rng.integers(0, pool, n)] if n else np.zeros(0, d)
    if d.kind == 'b': return rng.integers(0, 2, n).astype(d)
    if d.kind in 'iu': return rng.integers(max(np.iinfo(d).min, -2**62) if rng.random() < 0.5 else 0, min(np.iinfo(d).max, 2**62) if rng.random() < 0.5 else 100, n).astype(d)
    if d.kind in 'fc':
        x = np.round(rng.standard_normal(n) * 40, 2)
        if n: x[rng.random(n) < 0.1] = -0.0
        if n: x[rng.random(n) < 0.05] = 0.0
        if nan and n and rng.random() < 0.3: x[int(rng.integers(0, n))] = pick([np.nan, np.inf, -np.inf])
        return (x + 1j * rng.standard_normal(n)).astype(d) if d.kind == 'c' else x.astype(d)
    if d.kind in 'Mm':
        x = rng.integers(-1000, 1000, n).astype('i8')
        if nan and n and rng.random() < 0.4: x[int(rng.integers(0, n))] = np.iinfo('i8').min
        return x.view(d)
    letters = 'ab' if d.kind == 'S' else 'ab\u00e9\U0001f600\u0100'
    longest = d.itemsize // (1 if d.kind == 'S' else 4)
    shared = 'a' * int(rng.integers(0, longest))
    text = [(shared + ''.join(pick(letters) for _ in range(int(rng.integers(0, longest + 1)))))[:longest] for _ in range(n)]
    return np.array([t.encode() for t in text] if d.kind == 'S' else text, d) if n else np.zeros(0, d)

def table(fields, n, pools={}, nan=True):
    d = np.dtype([(name,) + (t if isinstance(t, tuple) else (t,)) for name, t in fields], align=bool(rng.random() < 0.3))
    out = np.zeros(n, d)
    for name in d.names: out[name] = values(d[name], n, pools.get(name), nan and name not in pools)
    return out

def payload(names, choices=PAYLOADS): return [(name, pick(choices)) for name in names]
def some(names):
    kept = [n for n in names if rng.random() < 0.5]
    return kept or [names[0]]
def packed(d): return np.dtype([(n, d[n].base, d[n].shape) for n in d.names])
def missing(out):
    d = out.dtype
    if d.names:
        for n in d.names: missing(out[n])
    elif d.kind in 'fc': out[...] = np.nan
    elif d.kind in 'Mm': out[...] = 'NaT'

def column(x, name):
    """The key's values as Python objects that compare as ndshare's do; NaT is the last."""
    c = x[name]
    if c.dtype.kind in 'Mm': return [math.inf if v == np.iinfo('i8').min else v for v in c.copy().view('i8').tolist()]
    return c.tolist()
def rows_of(x, names):
    out = {}
    for row, key in enumerate(zip(*(column(x, n) for n in names))): out.setdefault(key, []).append(row)
    return out

def aggregate(op, c):
    if op == 'count': return np.int64(len(c))
    kind = c.dtype.kind
    if op in ('min', 'max'): return getattr(np, op)(c)
    if op == 'sum' and kind in 'biu': return np.sum(c)
    if kind in 'biu': return np.float64(sum(map(int, c.tolist())) / len(c)) if abs(sum(map(int, c.tolist()))) < 2**52 else np.float64(float(sum(map(int, c.tolist()))) / len(c))
    by = len(c) if op == 'mean' else 1
    def exact(part):
        part = part.astype('f8')
        return (math.fsum(part) if np.all(np.isfinite(part)) else float(np.sum(part))) / by
    return c.dtype.type(complex(exact(c.real), exact(c.imag)) if kind == 'c' else exact(c))

def group(x, keys, asked):
    groups = rows_of(x, keys)
    fields = [(k, x.dtype[k]) for k in keys]
    for op, field in asked:
        d = np.dtype('i8')
        if op in ('min', 'max'): d = x.dtype[field]
        elif op == 'sum': d = np.sum(np.zeros(1, x.dtype[field])).dtype
        elif op == 'mean': d = np.mean(np.zeros(1, x.dtype[field])).dtype
        fields.append((op + '_' + field if field else op, d))
    out = np.zeros(len(groups), fields)
    for at, key in enumerate(sorted(groups)):
        rows = groups[key]
        for k in keys: out[k][at] = x[k][rows[0]]
        for op, field in asked: out[op + '_' + field if field else op][at] = aggregate(op, x[field][rows] if field else rows)
    return out

def pairs_of(left, right, on):
    partners = rows_of(right, on)
    return sum(len(rows) * len(partners.get(key, ())) for key, rows in rows_of(left, on).items())

def join(left, right, on, how, fill):
    pairs, partners, met = [], rows_of(right, on), set()
    for row, key in enumerate(zip(*(column(left, n) for n in on))):
        if key in partners: pairs += [(row, other) for other in partners[key]]; met.update(partners[key])
        elif how != 'inner': pairs.append((row, -1))
    if how == 'outer': pairs += [(-1, row) for row in range(len(right)) if row not in met]
    a, b = (np.array([p[i] for p in pairs], 'i8') for i in (0, 1))
    fields, sources = [(k, left.dtype[k]) for k in on], [(k, k, None) for k in on]
    for side, other, suffix, at in ((left, right, '_1', a), (right, left, '_2', b)):
        for n in side.dtype.names:
            if n in on: continue
            name = n + suffix if n in other.dtype.names else n
            fields.append((name, side.dtype[n].base, side.dtype[n].shape)); sources.append((name, n, at))
    out = np.zeros(len(pairs), fields)
    for name, n, at in sources:
        if at is None:
            out[name][a >= 0] = left[n][a[a >= 0]]; out[name][a < 0] = right[n][b[a < 0]]
            continue
        part = np.zeros(len(pairs), out.dtype[name]) if not out.dtype[name].shape else np.zeros((len(pairs),) + out.dtype[name].shape, out.dtype[name].base)
        missing(part)
        if name in fill: part[...] = fill[name]
        part[at >= 0] = (left if at is a else right)[n][at[at >= 0]]
        out[name] = part
    return out

def stack(tables):
    fields = {}
    for t in tables:
        for n in t.dtype.names:
            d = t.dtype[n]
            if n in fields and fields[n] != d: d = np.promote_types(fields[n], d)
            fields[n] = d
    out = np.zeros(sum(map(len, tables)), [(n, d.base, d.shape) for n, d in fields.items()])
    at = 0
    for t in tables:
        rows = out[at:at + len(t)]; at += len(t)
        for n in fields:
            if n in t.dtype.names: rows[n] = t[n]
            else: missing(rows[n])
    return out

number = 0
def save(what, x): np.save(os.path.join(out_dir, '%d_%s.npy' % (number, what)), x)

OPS = ['group', 'join', 'group', 'join', 'append', 'drop', 'rename', 'merge', 'flatten', 'stack', 'to_plain', 'from_plain']
SIZES = [0, 1, 2, 7, 40, 40, 400]
while number < count:
    op, n = OPS[number % len(OPS)], pick(SIZES)
    if op == 'group' and number % 120 == 0: n = 70000 + int(rng.integers(0, 70000))
    if op == 'join' and number % 240 == 1: n = 70000
    index = pick(['[:]', '[:]', '[::2]', '[::-1]', '[1:]'])
    cut = lambda x: eval('x' + index)
    keys = ['k%d' % i for i in range(1 + int(rng.integers(0, 3)))]
    key_types = [(k, pick(KEYS)) for k in keys]
    pool = pick([1, 3, 20, 1000]) if n < 1000 else pick([3, 300, 50000])
    pools = {k: pool if i == 0 else pick([1, 2, 5]) for i, k in enumerate(keys)}
    finite = lambda x: [x[k].__setitem__(~np.isfinite(x[k]), 0) for k in keys if x.dtype[k].kind == 'f']
    more = []
    if op == 'group':
        base = table([('before', pick(PAYLOADS))] + key_types + payload('uv', NUMBERS) + [('w', 'M8[s]')], n, pools)
        finite(base)
        asked = [('count', '')] + [(o, f) for f in 'uv' for o in ('sum', 'mean', 'min', 'max') if rng.random() < 0.4] + [(o, 'w') for o in ('min', 'max') if rng.random() < 0.3]
        asked = [a for a in asked if not (a[0] in ('min', 'max') and a[1] and base.dtype[a[1]].kind == 'c')]
        with np.errstate(all='ignore'): result = group(cut(base), keys, asked)
        more = [','.join(keys), ','.join('%s:%s' % a for a in asked)]
    elif op == 'join':
        base = table(payload(['x', 'y']) + key_types + payload('z'), n, pools)
        other = table(key_types[::-1] + payload(['y', 'w']), pick(SIZES[:-1]) if n < 1000 else pick([300, 66000]), pools)
        for k in keys:  # half of the keys are the other's
            if len(base) and len(other): other[k] = np.where(rng.random(len(other)) < 0.7, base[k][rng.integers(0, len(base), len(other))], other[k])
        finite(base); finite(other)
        while len(other) > 1 and pairs_of(base, other, keys) > 200_000: other = other[:len(other) // 4]
        how = pick(['inner', 'left', 'outer'])
        numeric = [f for f in ('x', 'z') if base.dtype[f].kind in 'iu']
        fill = {numeric[0]: 7} if numeric and rng.random() < 0.5 else {}
        save('y', other)
        result = join(cut(base), other, keys, how, fill)
        more = [','.join(keys), how, ','.join('%s=%d' % f for f in fill.items()) or '-']
    elif op == 'append':
        base = table(payload('xyz'), n)
        arrays = [values(pick(NUMBERS + ['S4', 'U2', 'M8[s]']), len(cut(base))) for _ in range(2)]
        for i, a in enumerate(arrays): save('a%d' % i, a)
        x = cut(base)
        result = np.zeros(len(x), [(f, x.dtype[f].base, x.dtype[f].shape) for f in 'xyz'] + [('new0', arrays[0].dtype), ('new1', arrays[1].dtype)]) if any(x.dtype[f].names or x.dtype[f].shape for f in 'xyz') else None
        if result is None: result = rfn.append_fields(x, ['new0', 'new1'], arrays, usemask=False)
        else:
            for f in 'xyz': result[f] = x[f]
            result['new0'], result['new1'] = arrays
    elif op == 'drop':
        base = rfn.repack_fields(table(payload('xyz'), n), recurse=True)  # NumPy's drop packs nested fields too
        names = some(['x', 'y'])
        result = rfn.drop_fields(cut(base), names, usemask=False)
        more = [','.join(names)]
    elif op == 'rename':
        base = table(payload('xyz'), n)
        base = rfn.repack_fields(base, recurse=True)  # NumPy's rename cannot keep padding
        result = rfn.rename_fields(cut(base), {'x': 'y', 'y': 'x', 'z': 'new'})
    elif op in ('merge', 'flatten'):
        plain = NUMBERS + ['S3', 'U5', 'M8[D]']
        base = table(payload('xy', plain), n)
        # No S alone: NumPy's merge takes its bytes for fields.
        arrays = [values(pick(NUMBERS + ['U5', 'M8[D]']), len(cut(base))), table(payload('uv', plain), len(cut(base)))]
        base, arrays[1] = rfn.repack_fields(base), rfn.repack_fields(arrays[1])
        for i, a in enumerate(arrays): save('a%d' % i, a)
        result = rfn.merge_arrays([cut(base)] + arrays, flatten=op == 'flatten', usemask=False)
    elif op == 'stack':
        base = table([('t', 'S3'), ('n', pick(NUMBERS))] + payload('xy'), n)
        arrays = [table([('n', pick(NUMBERS)), ('w', pick(PAYLOADS)), ('t', 'S5')], pick(SIZES)), table([('x', base.dtype['x']), ('w2', pick(PAYLOADS))], pick(SIZES))]
        for i, a in enumerate(arrays): save('a%d' % i, a)
        with np.errstate(all='ignore'): result = stack([cut(base)] + arrays)
    elif op == 'to_plain':
        base = table(payload('xyz', NUMBERS[:-2] + [('f4', (2,)), ('i2', (2, 2)), [('p', 'i1'), ('q', 'u4')]]), n)
        asked = pick([None, 'f8', 'c16'])
        with np.errstate(all='ignore'): result = rfn.structured_to_unstructured(cut(base), dtype=None if asked is None else np.dtype(asked))
        more = [asked or '-']
    else:
        base = rng.integers(0, 100, (n, 5)).astype(pick(NUMBERS[1:]))
        to = pick(['f8,f4,i8,u1,c16', '(2,)f8,i4,(2,)u2', 'i1,(2,2)f4'])
        result = rfn.unstructured_to_structured(cut(base), dtype=np.dtype(to), casting='unsafe')
        more = [np.lib.format.dtype_to_descr(np.dtype(to)).__repr__().replace(' ', '')]
    save('x', base)
    save('out', np.ascontiguousarray(result))
    print(number, op, index, *more)
    number += 1
