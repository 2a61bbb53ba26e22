/* text.h - small text helpers that GLib has not: escaping for logs and headers, sizes and durations, JSON strings. */
#ifndef POSTERN_BASE_TEXT_H
#define POSTERN_BASE_TEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Append `text` with control characters as \n \t \\ \NNN (octal); 8-bit bytes that are not valid UTF-8 as \NNN. */
void text_append_escaped(GString *out, const char *text, size_t n);
/* Append a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void text_append_json(GString *out, const char *text, size_t n);
/* "30", "30s", "5m", "2h", "1d", "1w", "250ms" -> milliseconds (a bare number counts `bare_unit_ms`). false: not a duration. */
bool text_parse_duration(const char *text, int64_t bare_unit_ms, int64_t *out_ms);
/* "1000", "64k", "10M", "2G", "1T" (either case, powers of 1024) -> bytes. */
bool text_parse_size(const char *text, int64_t *out_bytes);
/* base64url without padding of n bytes, malloc'd by g_malloc. */
char *text_base64url(const unsigned char *data, size_t n);
/* The candidate nearest to `word` (edit distance at most a third of its length, at least 1), or NULL. */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

/* As xtext (RFC 3461 4), at most max bytes, none of them half a character. */
void text_append_xtext(GString *out, const char *text, size_t max);

#endif
