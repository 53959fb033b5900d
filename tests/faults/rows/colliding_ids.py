"""Session ids that all have one hash under std::hash of libstdc++, a MurmurHash64A with a fixed seed, made in seconds.

An id of 64 characters is eight blocks. Two blocks together can take the state of the hash to any value: for each first block one
second block does, and one of 65,536 of these consists of characters of ids. `choices` such pairs for the first two blocks, and as
many that leave the state as it is for the three pairs behind them, are choices ** 4 ids with one hash (A. Joux, "Multicollisions
in iterated hash functions", 2004).
"""

import itertools
import random

ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'
SIZE = 64
MASK = (1 << 64) - 1
FACTOR = 0xC6A4A7935BD1E995
INVERSE = pow(FACTOR, -1, 1 << 64)
SEED = 0xC70F6907
VALID = [chr(byte) in ALPHABET for byte in range(256)]


def mixed(block):
    block = block * FACTOR & MASK
    block ^= block >> 47
    return block * FACTOR & MASK


def unmixed(block):
    block = block * INVERSE & MASK
    block ^= block >> 47
    return block * INVERSE & MASK


def murmur(text):
    """std::hash<std::string_view> of a text whose length is a multiple of eight."""
    data = text.encode()
    state = SEED ^ (len(data) * FACTOR & MASK)
    for at in range(0, len(data), 8):
        state = (state ^ mixed(int.from_bytes(data[at:at + 8], 'little'))) * FACTOR & MASK
    state = (state ^ state >> 47) * FACTOR & MASK
    return state ^ state >> 47


def pairs(state, target, count, rng):
    """`count` texts of 16 characters that take the state to the target."""
    found = []
    wanted = target * INVERSE & MASK
    letters = ALPHABET.encode()
    while len(found) < count:
        head = bytes(rng.choices(letters, k=5))
        for tail in itertools.product(letters, repeat=3):
            first = head + bytes(tail)
            second = unmixed(wanted ^ ((state ^ mixed(int.from_bytes(first, 'little'))) * FACTOR & MASK))
            # Most fail at their first byte.
            if VALID[second & 255] and VALID[second >> 8 & 255] and all(VALID[byte] for byte in second.to_bytes(8, 'little')):
                found.append((first + second.to_bytes(8, 'little')).decode())
                if len(found) == count:
                    break
    return found


def colliding_ids(count, seed=1):
    """That many different ids of 64 characters with one hash."""
    rng = random.Random(seed)
    choices = 1
    while choices ** 4 < count:
        choices += 1
    begin = SEED ^ (SIZE * FACTOR & MASK)
    fixed = rng.getrandbits(64)
    first, others = pairs(begin, fixed, choices, rng), pairs(fixed, fixed, choices, rng)
    return [''.join(parts) for parts in itertools.islice(itertools.product(first, others, others, others), count)]
