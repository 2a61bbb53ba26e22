/* types_inside.h - what the files that find types share and nobody else sees. */
#ifndef POSTERN_OPENER_TYPES_INSIDE_H
#define POSTERN_OPENER_TYPES_INSIDE_H

#include <glib.h>
#include <string.h>

#include "opener/types.h"

struct bytes {
	const uint8_t *at;
	size_t n;
};

static inline bool bytes_at(struct bytes b, size_t offset, const char *bytes, size_t length)
{
	return offset <= b.n && b.n - offset >= length && memcmp(b.at + offset, bytes, length) == 0;
}

static inline bool bytes_have(struct bytes b, const char *text)
{
	return memmem(b.at, b.n, text, strlen(text)) != NULL;
}

static inline uint16_t bytes_le16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static inline uint32_t bytes_le32(const uint8_t *p) { return (uint32_t)bytes_le16(p) | (uint32_t)bytes_le16(p + 2) << 16; }

/* Always true. */
static inline bool types_set(struct type_guess *out, const char *shorts, const char *full)
{
	g_strlcpy(out->shorts, shorts, sizeof out->shorts);
	g_strlcpy(out->full, full, sizeof out->full);
	return true;
}

/* types_prefix.c */
bool types_guess_prefix(struct bytes b, struct type_guess *out);
/* types_crypt.c: CMS, OpenPGP */
bool types_guess_crypt(struct bytes b, struct type_guess *out);
/* types_office.c: documents in zip archives and in OLE 2 files */
bool types_guess_zip(struct bytes b, struct type_guess *out);
bool types_guess_ole(struct bytes b, struct type_guess *out);
/* types_tail.c: what stands at the end of a content, whatever its beginning says. Adds to the short types. */
void types_add_tail(const struct type_content *c, struct type_guess *out);
/* Does the mark of a RAR, 7-Zip or cabinet file stand somewhere in it? true where not all of it can be looked at. */
bool types_may_embed(const struct type_content *c);

#endif
