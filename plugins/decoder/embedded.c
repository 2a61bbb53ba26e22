/* embedded.c - see embedded.h. It looks at headers only; a program that knows such formats holds their marks, too. */
#include "embedded.h"

#include <string.h>
#include <zlib.h>

#define SEVENZIP_HEADER_BYTES 32
#define CABINET_HEADER_BYTES 36

static uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static uint64_t get64(const uint8_t *p) { return (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32; }

/* Each gives the size of an archive that begins here with n bytes left, 0: it is none. */

/* The first block is the archive's header (4), or its encryption or header (5). */
static size_t size_of_rar(const uint8_t *p, size_t n)
{
	if (n < 20)
		return 0;
	bool old = p[6] == 0 && p[9] == 0x73, new = p[6] == 1 && p[7] == 0 && n > 16;
	return old || new ? n : 0;
}

static size_t size_of_7z(const uint8_t *p, size_t n)
{
	if (n < SEVENZIP_HEADER_BYTES || p[6] != 0 || crc32(0, p + 12, 20) != get32(p + 8))
		return 0;
	uint64_t offset = get64(p + 12), length = get64(p + 20);
	return offset <= n && length <= n && SEVENZIP_HEADER_BYTES + offset + length <= n ? (size_t)(SEVENZIP_HEADER_BYTES + offset + length) : 0;
}

static size_t size_of_cab(const uint8_t *p, size_t n)
{
	if (n < CABINET_HEADER_BYTES || get32(p + 4) != 0 || get32(p + 12) != 0 || p[25] != 1 || p[24] > 9)
		return 0;
	uint32_t length = get32(p + 8), files = get32(p + 16);
	return length <= n && files >= CABINET_HEADER_BYTES && files < length ? length : 0;
}

static const struct format {
	const char *mark;
	size_t length, rare;		/* where in it the byte is that is rarest elsewhere */
	const char *type;
	size_t (*size_of)(const uint8_t *p, size_t n);
} formats[] = {
	{ "Rar!\x1a\x07", 6, 4, "rar", size_of_rar },
	{ "7z\xbc\xaf\x27\x1c", 6, 2, "7z", size_of_7z },
	{ "MSCF", 4, 3, "cab", size_of_cab },
};

/* memmem(3) takes several times as long on what is compressed. */
static const uint8_t *find_mark(const struct format *f, const uint8_t *at, const uint8_t *end)
{
	if ((size_t)(end - at) < f->length)
		return NULL;
	for (const uint8_t *p = at + f->rare; p < end && (p = memchr(p, (unsigned char)f->mark[f->rare], (size_t)(end - p))); p++)
		if (p - f->rare >= at && (size_t)(end - p) >= f->length - f->rare && memcmp(p - f->rare, f->mark, f->length) == 0)
			return p - f->rare;
	return NULL;
}

static size_t find_format(const struct format *f, const uint8_t *data, size_t n, struct embedded *found, size_t room)
{
	size_t count = 0;
	const uint8_t *end = data + n, *at = data;
	while (count < room && (at = find_mark(f, at, end))) {
		size_t size = f->size_of(at, (size_t)(end - at));
		if (size > 0)
			found[count++] = (struct embedded){ f->type, (size_t)(at - data), size };
		at += size > 0 && size < (size_t)(end - at) ? size : f->length;
	}
	return count;
}

size_t embedded_find(const uint8_t *data, size_t n, struct embedded found[EMBEDDED_MAX], bool *more)
{
	struct embedded all[EMBEDDED_MAX + 1];
	size_t count = 0;
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		count += find_format(&formats[i], data, n, all + count, EMBEDDED_MAX + 1 - count);
	*more = count > EMBEDDED_MAX;
	count -= *more;
	memcpy(found, all, count * sizeof *found);
	return count;
}

size_t embedded_size(const char *type, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		const struct format *f = &formats[i];
		if (strcmp(f->type, type) == 0 && n >= f->length && memcmp(data, f->mark, f->length) == 0)
			return f->size_of(data, n);
	}
	return 0;
}
