"""What NumPy draws from the same words: numpy_random.py DIR SEED STREAM."""
import os
import sys
import numpy as np

folder, key = sys.argv[1], np.array([int(sys.argv[2]), int(sys.argv[3])], np.uint64)

def bits(word=0): return np.random.Philox(key=key, counter=np.array([word // 4, 0, 0, 0], np.uint64))
def save(name, x): np.save(os.path.join(folder, name + '.npy'), x)

save('words', bits().random_raw(5003))
save('far_words', bits(1 << 45).random_raw(1000))
save('doubles', np.random.Generator(bits()).random(5003))
save('range', np.random.Generator(bits()).uniform(-3, 11, 5003))
save('floats', np.random.Generator(bits()).random(5003, dtype=np.float32))
save('normals', np.array([np.random.Generator(bits(4 * i)).standard_normal() for i in range(4000)]))
save('choice', np.random.Generator(bits()).choice(6, 5000, p=[.1, .2, 0, .3, .4, 0]))
