"""damage.py - a file damaged as dice fall: bits, bytes and numbers changed, pieces lost, doubled, or of another file."""

ODD = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff]


def damage(dice, data, others):
    data = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 4, 16])):
        at = dice.randrange(len(data)) if data else 0
        kind = dice.randrange(6)
        if kind == 0 and data:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1 and data:
            data[at] = dice.randrange(256)
        elif kind == 2:
            number, size = dice.choice(ODD), dice.choice([1, 2, 4, 8])
            data[at:at + size] = (number & (1 << size * 8) - 1).to_bytes(size, dice.choice(["little", "big"]))
        elif kind == 3:
            del data[at:at + dice.choice([1, 2, 16, len(data)])]
        elif kind == 4:
            data[at:at] = data[at:at + dice.randrange(1, 64)]
        else:
            other = dice.choice(others)
            start = dice.randrange(len(other))
            data[at:at + 32] = other[start:start + 64]
    return bytes(data)
