/* span.h - bytes that a decoder looks at, for the decoders that read formats by themselves: every access is within bounds.
 *
 * What lies outside reads as zero, or as an empty span: a reader of hostile
 * files has one way out, not a test at each field. */
#ifndef POSTERN_DECODER_SPAN_H
#define POSTERN_DECODER_SPAN_H

#include <postern/plugin.h>

#include <string.h>

struct span {
	const uint8_t *at;
	size_t n;
};

static inline struct span span_from(struct span s, size_t from)
{
	return from < s.n ? (struct span){ s.at + from, s.n - from } : (struct span){ s.at, 0 };
}

/* At most n bytes: fewer where it ends before. */
static inline struct span span_sub(struct span s, size_t from, size_t n)
{
	struct span rest = span_from(s, from);
	return (struct span){ rest.at, n < rest.n ? n : rest.n };
}

static inline bool span_has(struct span s, size_t from, size_t n)
{
	return from <= s.n && s.n - from >= n;
}

static inline bool span_at(struct span s, size_t from, const void *bytes, size_t n)
{
	return span_has(s, from, n) && memcmp(s.at + from, bytes, n) == 0;
}

static inline uint8_t span_8(struct span s, size_t at) { return at < s.n ? s.at[at] : 0; }
static inline uint16_t span_16(struct span s, size_t at) { return (uint16_t)(span_8(s, at) | span_8(s, at + 1) << 8); }
static inline uint32_t span_32(struct span s, size_t at) { return (uint32_t)span_16(s, at) | (uint32_t)span_16(s, at + 2) << 16; }
static inline uint64_t span_64(struct span s, size_t at) { return (uint64_t)span_32(s, at) | (uint64_t)span_32(s, at + 4) << 32; }

/* Where `bytes` are found from `from` on; SIZE_MAX: nowhere. */
static inline size_t span_find(struct span s, size_t from, const void *bytes, size_t n)
{
	struct span rest = span_from(s, from);
	const uint8_t *found = rest.n > 0 ? memmem(rest.at, rest.n, bytes, n) : NULL;
	return found ? (size_t)(found - s.at) : SIZE_MAX;
}

/* The value of a hexadecimal digit, -1: it is none. */
static inline int hex_digit(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Little-endian UTF-16 up to a NUL as UTF-8, half pairs as U+FFFD; memory of the call. */
char *span_utf16(struct postern_call *call, struct span s);
/* Bytes up to a NUL as a string; memory of the call. */
char *span_text(struct postern_call *call, struct span s);
/* One child with this content. false: over a limit. */
bool child_put(struct postern_call *call, const char *name, struct span content);

#endif
