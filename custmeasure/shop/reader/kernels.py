# ruff: noqa: ANN001, ANN201, ANN202, PLR0911, PLR0912, PLR0914, PLR0915 - numba takes arrays by position
# mypy: ignore-errors
"""The loops over bytes: texts to dates and numbers, texts copied, counted and hashed.

A column is a buffer of UTF-8 bytes and, for every row, the places where its value starts and stops.
Each reading kernel fills ``out`` and ``state``: `MISSING` (nothing there), `READ` (for an instant: without
a zone), `AWARE` (an instant with its offset, already in UTC), `WRONG` (refused), `LONG_NUMBER` (a number
with more digits than this arithmetic holds exactly; Python reads it).
"""

import numba
import numpy as np

from custmeasure.shop.reader.wide import put_word, word

MISSING, READ, AWARE, WRONG, LONG_NUMBER = 0, 1, 2, 3, 4

# The parts of a declared date format, as negative numbers beside the bytes that must stand literally.
YEAR, MONTH, DAY, HOUR, HOUR12, MINUTE, SECOND, FRACTION, HALF, OFFSET, YEAR2 = range(-1, -12, -1)

FIRST_YEAR, LAST_YEAR = 1900, 2199  # as everywhere: custmeasure.dates

_jit = numba.njit(nogil=True, cache=True)


@_jit
def _days(year, month, day):
    """Return days since 1970-01-01, or -2**31 when there is no such day."""
    if year < 1900 or year > 2199 or month < 1 or month > 12 or day < 1:
        return -(2**31)
    longest = 31
    if month in (4, 6, 9, 11):
        longest = 30
    elif month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        longest = 29 if leap else 28
    if day > longest:
        return -(2**31)
    y = year - 1 if month <= 2 else year  # days_from_civil, H. Hinnant (2013), public domain
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@_jit
def _two(data, i, j):
    """Return the number of the two digits at ``i``, or -1."""
    if i + 2 > j:
        return -1
    a, b = np.int64(data[i]) - 48, np.int64(data[i + 1]) - 48
    if a < 0 or a > 9 or b < 0 or b > 9:
        return -1
    return a * 10 + b


@_jit
def _fraction(data, i, j):
    """Return the microseconds of the digits at ``i`` (at most 9), and where they end."""
    micros, scale, begin = np.int64(0), np.int64(100_000), i
    while i < j and 48 <= data[i] <= 57 and i - begin < 9:
        micros += (np.int64(data[i]) - 48) * scale
        scale //= 10
        i += 1
    return (micros, i) if i > begin else (np.int64(-1), i)


@_jit
def _offset(data, i, j):
    """Return the offset at ``i`` in minutes and where it ends; 10,000 when there is none."""
    if i < j and data[i] == 90:
        return 0, i + 1
    if i + 3 <= j and data[i] == 85 and data[i + 1] == 84 and data[i + 2] == 67:
        return 0, i + 3
    if i >= j or (data[i] != 43 and data[i] != 45):
        return 10_000, i
    hours, minutes, end = _two(data, i + 1, j), 0, i + 3
    if end < j:
        if data[end] == 58:
            end += 1
        minutes = _two(data, end, j)
        end += 2
    if hours < 0 or hours > 15 or minutes < 0 or minutes > 59:
        return 10_000, i
    total = hours * 60 + minutes
    return (-total if data[i] == 45 else total), end


@_jit
def iso(data, places, out, state):
    """Read ISO 8601 days, and days with a time and perhaps an offset, as µs since 1970."""
    for row in range(len(places)):
        i, j = places[row, 0], places[row, 1]
        while i < j and data[i] == 32:
            i += 1
        while j > i and data[j - 1] == 32:
            j -= 1
        out[row] = 0
        if i == j:
            state[row] = 0
            continue
        state[row] = 3
        if j - i < 10 or data[i + 4] != 45 or data[i + 7] != 45:
            continue
        century, year = _two(data, i, j), _two(data, i + 2, j)
        days = _days(century * 100 + year, _two(data, i + 5, j), _two(data, i + 8, j))
        if century < 0 or year < 0 or days == -(2**31):
            continue
        i += 10
        micros = np.int64(days) * 86_400_000_000
        if i == j:
            out[row], state[row] = micros, 1
            continue
        hour, minute = _two(data, i + 1, j), _two(data, i + 4, j)
        if (data[i] != 32 and data[i] != 84) or j - i < 6 or data[i + 3] != 58:
            continue
        if hour < 0 or hour > 23 or minute < 0 or minute > 59:
            continue
        micros += (hour * 60 + minute) * 60_000_000
        i += 6
        if i < j and data[i] == 58:
            second = _two(data, i + 1, j)
            if second < 0 or second > 59:
                continue
            micros += second * 1_000_000
            i += 3
            if i < j and data[i] == 46:
                part, i = _fraction(data, i + 1, j)
                if part < 0:
                    continue
                micros += part
        if i == j:
            out[row], state[row] = micros, 1
            continue
        if data[i] == 32:
            i += 1
        minutes, i = _offset(data, i, j)
        if minutes != 10_000 and i == j:
            out[row], state[row] = micros - minutes * 60_000_000, 2


@_jit
def _half(data, i, j):
    """Return 0 for 오전, AM or am, 1 for 오후, PM or pm, else -1; and where it ends."""
    if i + 6 <= j and data[i] == 0xEC and data[i + 1] == 0x98 and data[i + 2] == 0xA4:
        if data[i + 3] == 0xEC and data[i + 4] == 0xA0 and data[i + 5] == 0x84:
            return 0, i + 6
        if data[i + 3] == 0xED and data[i + 4] == 0x9B and data[i + 5] == 0x84:
            return 1, i + 6
    if i + 2 <= j and data[i + 1] in (77, 109):
        if data[i] in (65, 97):
            return 0, i + 2
        if data[i] in (80, 112):
            return 1, i + 2
    return -1, i


@_jit
def declared(data, places, parts, day_parts, out, state):
    """Read dates of one declared format, given as literal bytes and parts; as µs since 1970.

    A text that ends after the first ``day_parts`` parts is a day without a time (-1: not allowed).
    """
    for row in range(len(places)):
        i, j = places[row, 0], places[row, 1]
        while i < j and data[i] == 32:
            i += 1
        while j > i and data[j - 1] == 32:
            j -= 1
        out[row] = 0
        if i == j:
            state[row] = 0
            continue
        state[row] = 3
        year = month = day = np.int64(1)
        hour = minute = second = micros = np.int64(0)
        half, zone = -1, 10_000
        twelve = wrong = False
        k = 0
        while k < len(parts) and not wrong:
            if i == j and k == day_parts:
                break
            part = parts[k]
            if part >= 0:
                wrong = i >= j or data[i] != part
                i += 1
            elif part == -9:
                half, i = _half(data, i, j)
                wrong = half < 0
            elif part == -10:
                zone, i = _offset(data, i, j)
                wrong = zone == 10_000
            elif part == -8:
                micros, i = _fraction(data, i, j)
                wrong = micros < 0
            else:
                most = 4 if part == -1 else 2
                fixed = part in (-1, -11) or (k + 1 < len(parts) and parts[k + 1] < 0)
                least = most if fixed else 1
                value, begin = np.int64(0), i
                while i < j and i - begin < most and 48 <= data[i] <= 57:
                    value = value * 10 + np.int64(data[i]) - 48
                    i += 1
                wrong = i - begin < least
                if part == -1:
                    year = value
                elif part == -11:
                    year = 2000 + value
                elif part == -2:
                    month = value
                elif part == -3:
                    day = value
                elif part == -4:
                    hour = value
                elif part == -5:
                    hour, twelve = value, True
                elif part == -6:
                    minute = value
                else:
                    second = value
            k += 1
        if twelve and k == len(parts):
            wrong = wrong or hour < 1 or hour > 12
            hour = hour % 12 + (12 if half == 1 else 0)
        days = _days(year, month, day)
        if wrong or i != j or days == -(2**31) or hour > 23 or minute > 59 or second > 59:
            continue
        micros += np.int64(days) * 86_400_000_000 + ((hour * 60 + minute) * 60 + second) * 1_000_000
        state[row] = 1
        if zone != 10_000:
            micros -= zone * 60_000_000
            state[row] = 2
        out[row] = micros


@_jit
def _after(data, i, j, affix):
    """Return the place after ``affix`` when it stands at ``i``, else ``i``."""
    n = len(affix)
    if i + n > j:
        return i
    for k in range(n):
        if data[i + k] != affix[k]:
            return i
    return i + n


@_jit
def numbers(data, places, group, decimal, prefix, suffix, out, state):
    """Read decimal numbers; ``group`` is the byte between thousands, 0 for none."""
    powers = np.array([1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22])  # fmt: skip
    for row in range(len(places)):
        i, j = places[row, 0], places[row, 1]
        while i < j and data[i] == 32:
            i += 1
        while j > i and data[j - 1] == 32:
            j -= 1
        out[row] = 0.0
        if i == j:
            state[row] = 0
            continue
        state[row] = 3
        signed = negative = False
        if data[i] == 43 or data[i] == 45:
            signed, negative = True, data[i] == 45
            i += 1
        i = _after(data, i, j, prefix)
        if not signed and i < j and (data[i] == 43 or data[i] == 45):
            negative = data[i] == 45
            i += 1
        if len(suffix) and _after(data, max(i, j - len(suffix)), j, suffix) == j:
            j -= len(suffix)
        value = np.int64(0)
        significant = decimals = n_digits = since = exponent = 0
        grouped = fractional = wrong = False
        while i < j and not wrong:
            c = data[i]
            if 48 <= c <= 57:
                if significant < 18:
                    value = value * 10 + np.int64(c) - 48
                if significant or c != 48:
                    significant += 1
                n_digits += 1
                since += 1
                decimals += fractional
            elif group and c == group and not fractional:
                wrong = since != 3 if grouped else since < 1 or since > 3
                grouped, since = True, 0
            elif c == decimal and not fractional:
                wrong = grouped and since != 3
                fractional, since = True, 0
            elif c in (69, 101) and group == 0 and n_digits:
                break
            else:
                wrong = True
            i += 1
        if (grouped and not fractional and since != 3) or (fractional and since == 0):
            wrong = True
        if i < j and not wrong:
            i += 1
            minus = i < j and data[i] == 45
            if i < j and (data[i] == 43 or data[i] == 45):
                i += 1
            wrong = i == j or j - i > 4
            while i < j and not wrong:
                wrong = data[i] < 48 or data[i] > 57
                exponent = exponent * 10 + np.int64(data[i]) - 48
                i += 1
            exponent = -exponent if minus else exponent
        if wrong or n_digits == 0:
            continue
        scale = exponent - decimals
        if significant > 15 or scale > 22 or scale < -22:
            state[row] = 4
            continue
        # Both factors are exact doubles, so one operation rounds once: W. D. Clinger (1990), PLDI.
        number = value * powers[scale] if scale >= 0 else value / powers[-scale]
        out[row] = -number if negative else number
        state[row] = 1


@_jit
def needs_care(data, places, out):
    """Mark texts that may not be in their plain spelling: invisible, combining or stray spaces.

    Plain are ASCII with single inner spaces, Hangul syllables, CJK ideographs, kana and full-width forms.
    """
    n = 0
    for row in range(len(places)):
        i, j = places[row, 0], places[row, 1]
        care = i < j and (data[i] == 32 or data[j - 1] == 32)
        while i < j and not care:
            c = data[i]
            if c < 128:
                care = c < 32 or c == 127 or (c == 32 and data[i + 1] == 32)
                i += 1
                continue
            care = True
            if i + 2 < j:
                point = (
                    (np.int64(c & 15) << 12)
                    | (np.int64(data[i + 1] & 63) << 6)
                    | (data[i + 2] & 63)
                )
                if (c & 0xF0) == 0xE0 and (
                    0xAC00 <= point <= 0xD7A3
                    or 0x4E00 <= point <= 0x9FFF
                    or 0xFF01 <= point <= 0xFF5E
                    or 0x3041 <= point <= 0x3096
                    or 0x30A1 <= point <= 0x30FA
                ):
                    care = False
            i += 3
        out[row] = care
        n += care
    return n


@_jit
def gather(data, places, offsets, out):
    """Copy the texts one after the other."""
    # Unsigned places need no test for counting from the end.
    at, one, eight = np.uint64(0), np.uint64(1), np.uint64(8)
    size, room = np.uint64(len(data)), np.uint64(len(out))
    for row in range(len(places)):
        offsets[row] = at
        i, j = np.uint64(places[row, 0]), np.uint64(places[row, 1])
        end = at + (j - i)
        if j + eight <= size and end + eight <= room:
            while at < end:  # up to seven bytes too many, which the next text writes over
                put_word(out, at, word(data, i))
                at += eight
                i += eight
            at = end
        while i < j and at < end:
            out[at] = data[i]
            at += one
            i += one
    offsets[len(places)] = at


@_jit
def _few(data, i, n):
    """Return ``n`` bytes, fewer than eight, as one number as they lie in memory."""
    eight, one = np.uint64(8), np.uint64(1)
    if i + eight <= np.uint64(len(data)):
        return word(data, i) & ((one << (n * eight)) - one)
    number = np.uint64(0)
    for k in range(n):
        number |= np.uint64(data[i + np.uint64(k)]) << (np.uint64(k) * eight)
    return number


@_jit
def _hash(data, i, j):
    """Hash the bytes from ``i`` to ``j``, eight at a time."""
    eight = np.uint64(8)
    h = j - i
    while i + eight <= j:
        h = (h ^ word(data, i)) * np.uint64(0x9E3779B97F4A7C15)
        h ^= h >> np.uint64(29)
        i += eight
    # The last steps of splitmix64, G. Steele, D. Lea, C. Flood (2014), OOPSLA.
    h = (h ^ _few(data, i, j - i)) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@_jit
def _same(a, i, b, j, n):
    """Return whether ``n`` bytes at ``a[i]`` and at ``b[j]`` are the same."""
    eight = np.uint64(8)
    while n >= eight:
        if word(a, i) != word(b, j):
            return False
        i += eight
        j += eight
        n -= eight
    return _few(a, i, n) == _few(b, j, n)


@_jit
def _above(data, i, n, j, m):
    """Return whether the ``m`` bytes at ``j`` come after the ``n`` at ``i``: the shorter text comes first."""
    if m != n:
        return m > n
    k, eight = np.uint64(0), np.uint64(8)
    while k + eight <= n and word(data, i + k) == word(data, j + k):
        k += eight
    while k < n and data[i + k] == data[j + k]:
        k += np.uint64(1)
    return k < n and data[j + k] > data[i + k]


@_jit
def rising(data, places):
    """Return whether every text comes after the one before it, so that no two are the same."""
    i, n = np.uint64(0), np.uint64(0)
    for row in range(len(places)):
        j = np.uint64(places[row, 0])
        m = np.uint64(places[row, 1]) - j
        if row > 0 and not _above(data, i, n, j, m):
            return False
        i, n = j, m
    return True


@_jit
def hashed(data, places, out):
    """Hash every text to 64 bits."""
    for row in range(len(places)):
        out[row] = _hash(data, np.uint64(places[row, 0]), np.uint64(places[row, 1]))


@_jit
def encode(data, places, codes, slots, hashes, offsets, arena, n):
    """Give every text the number of its first equal; -1 for an empty one.

    Returns how many texts are known now, or -1 when there is no room for another.
    """
    mask, one = np.uint64(len(slots) - 1), np.uint64(1)
    for row in range(len(places)):
        i, j = np.uint64(places[row, 0]), np.uint64(places[row, 1])
        if i == j:
            codes[row] = -1
            continue
        length = np.int64(j - i)
        h = _hash(data, i, j)
        slot = h & mask
        while True:
            code = slots[slot]
            if code < 0:
                if n == len(hashes) or offsets[n] + length > len(arena):
                    return -1
                code, at = n, np.uint64(offsets[n])
                slots[slot], hashes[n] = n, h
                while i < j:
                    arena[at] = data[i]
                    at += one
                    i += one
                offsets[n + 1] = at
                n += 1
                break
            at = np.uint64(offsets[code])
            known = hashes[code] == h and offsets[code + 1] - offsets[code] == length
            if known and _same(data, i, arena, at, j - i):
                break
            slot = (slot + one) & mask
        codes[row] = code
    return n
