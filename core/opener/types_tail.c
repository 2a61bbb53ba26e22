/* types_tail.c - formats that readers find by the end of a file, whatever stands at its beginning.
 *
 * A zip archive behind a picture, a disk image whose mark is in its last block,
 * a PDF file behind a few other bytes: the content is that, too.  Other archives
 * may begin anywhere: their marks are looked for, a decoder tells what they are. */
#include "config.h"

#include "opener/types_inside.h"

#include <unistd.h>

#define END_RECORD_BYTES 22
#define TAIL_BYTES (END_RECORD_BYTES + 65535)	/* an end record and the longest comment */
#define PDF_FRONT_BYTES 1024
#define DISK_BLOCK_BYTES 512

static bool read_at(const struct type_content *c, uint64_t at, uint8_t *to, size_t n)
{
	if (at + n <= c->n) {
		memcpy(to, c->data + at, n);
		return true;
	}
	return c->fd >= 0 && at + n <= c->size && pread(c->fd, to, n, (off_t)at) == (ssize_t)n;
}

static void add(struct type_guess *out, const char *type)
{
	g_strlcat(out->shorts, ",", sizeof out->shorts);
	g_strlcat(out->shorts, type, sizeof out->shorts);
}

/* An end record is believed where the directory that it tells of begins as one. */
static bool leads_to_directory(const struct type_content *c, uint64_t at, const uint8_t *end)
{
	uint8_t signature[4];
	uint32_t length = bytes_le32(end + 12);
	return length >= 46 && length <= at && read_at(c, at - length, signature, 4) && memcmp(signature, "PK\1\2", 4) == 0;
}

static bool has_zip(const struct type_content *c, struct bytes tail)
{
	const uint8_t *end = tail.at + tail.n, *at = tail.at;
	for (; end - at >= END_RECORD_BYTES && (at = memchr(at, 'P', (size_t)(end - at) - END_RECORD_BYTES + 1)); at++)	/* faster than memmem(3) */
		if (memcmp(at, "PK\5\6", 4) == 0 && leads_to_directory(c, c->size - (uint64_t)(end - at), at))
			return true;
	return false;
}

static bool is_zip_already(const struct type_content *c)
{
	return c->n >= 4 && (memcmp(c->data, "PK\3\4", 4) == 0 || memcmp(c->data, "PK\5\6", 4) == 0);
}

/* Readers take a PDF header that stands within the first kilobyte; prose about PDF lacks objects, and an end. */
static bool has_pdf(const struct type_content *c, struct bytes tail)
{
	struct bytes front = { .at = c->data, .n = c->n < PDF_FRONT_BYTES ? c->n : PDF_FRONT_BYTES };
	bool header = !bytes_at(front, 0, "%PDF-", 5) && (bytes_have(front, "%PDF-") || (bytes_have(front, "%!PS-Adobe-") && bytes_have(front, " PDF-")));
	return header && (bytes_have(tail, "startxref") || bytes_have(tail, "endobj") || bytes_have((struct bytes){ .at = c->data, .n = c->n }, "endobj"));
}

static const char *disk_type(struct bytes tail)
{
	if (tail.n < DISK_BLOCK_BYTES)
		return NULL;
	const uint8_t *block = tail.at + tail.n - DISK_BLOCK_BYTES;
	return memcmp(block, "conectix", 8) == 0 ? "vhd" : memcmp(block, "koly", 4) == 0 ? "dmg" : NULL;
}

/* Marks of formats that readers look for within other files; `rare`: where in it the byte is that is rarest elsewhere. */
static const struct mark { const char *bytes; size_t length, rare; } marks[] = {
	{ "Rar!\x1a\x07", 6, 4 }, { "7z\xbc\xaf\x27\x1c", 6, 2 }, { "MSCF\0\0\0\0", 8, 3 },
};

/* memmem(3) takes several times as long on what is compressed. */
static bool has_mark(struct bytes b, const struct mark *m)
{
	const uint8_t *end = b.at + b.n;
	if (b.n < m->length)
		return false;
	for (const uint8_t *p = b.at + m->rare; p < end && (p = memchr(p, (unsigned char)m->bytes[m->rare], (size_t)(end - p))); p++)
		if ((size_t)(end - p) >= m->length - m->rare && memcmp(p - m->rare, m->bytes, m->length) == 0)
			return true;
	return false;
}

bool types_may_embed(const struct type_content *c)
{
	if (c->n < c->size)
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
		if (has_mark((struct bytes){ .at = c->data, .n = c->n }, &marks[i]))
			return true;
	return false;
}

void types_add_tail(const struct type_content *c, struct type_guess *out)
{
	uint8_t buffer[TAIL_BYTES];
	struct bytes tail = { .n = c->size < TAIL_BYTES ? (size_t)c->size : TAIL_BYTES };
	if (c->size <= c->n) {
		tail.at = c->data + c->size - tail.n;
	} else {
		if (!read_at(c, c->size - tail.n, buffer, tail.n))
			return;
		tail.at = buffer;
	}
	const char *disk = disk_type(tail);
	if (disk && strcmp(out->shorts, disk) != 0)
		add(out, disk);
	if (!is_zip_already(c) && has_zip(c, tail))
		add(out, "zip");
	if (has_pdf(c, tail))
		add(out, "pdf");
}
