/* types.c - the order in which is found out what a content is, and the formats that need more than a look at a fixed place. */
#include "config.h"

#include "opener/types_inside.h"

#include <magic.h>

#include "opener/types_text.h"

static magic_t magic;

int types_load(struct error *e)
{
	if (magic)
		return 0;
	magic = magic_open(MAGIC_NO_CHECK_TEXT | MAGIC_NO_CHECK_ENCODING | MAGIC_NO_CHECK_COMPRESS);
	if (!magic)
		return error_set_errno(e, "libmagic");
	if (magic_load(magic, NULL) == 0)
		return 0;
	error_set(e, ERROR_ENVIRONMENT, "libmagic: %s (is its database installed?)", magic_error(magic));
	magic_close(magic);
	magic = NULL;
	return -1;
}

/* "MZ" may also begin a word: what is text throughout is no program. */
static bool guess_dos(struct bytes b, struct type_guess *out)
{
	if (!bytes_at(b, 0, "MZ", 2) && !bytes_at(b, 0, "ZM", 2))
		return false;
	size_t pe = b.n >= 64 ? bytes_le32(b.at + 60) : 0;
	if (pe && pe < b.n && bytes_at(b, pe, "PE\0\0", 4)) {
		bool dll = b.n > pe + 23 && b.at[pe + 23] & 0x20;
		return dll ? types_set(out, "exe,exe-ms,dll", "PE executable (DLL) for MS Windows") : types_set(out, "exe,exe-ms", "PE executable for MS Windows");
	}
	return !types_is_text(b.at, b.n) && types_set(out, "exe,exe-ms", "MS-DOS executable");
}

static bool guess_riff(struct bytes b, struct type_guess *out)
{
	if (!bytes_at(b, 0, "RIFF", 4))
		return false;
	if (bytes_at(b, 8, "AVI ", 4))
		return types_set(out, "movie,avi", "RIFF data, AVI");
	if (bytes_at(b, 8, "WAVE", 4))
		return types_set(out, "audio,wav", "RIFF data, WAVE audio");
	if (bytes_at(b, 8, "ACON", 4))
		return types_set(out, "movie,ani", "RIFF data, animated cursor");
	if (bytes_at(b, 8, "WEBP", 4))
		return types_set(out, "image", "RIFF data, Web/P image");
	return types_set(out, "dat", "RIFF data");
}

static bool guess_bitmap(struct bytes b, struct type_guess *out)
{
	return bytes_at(b, 0, "BM", 2) && b.n > 26 && bytes_at(b, 6, "\0\0\0\0", 4) && types_set(out, "image,bmp", "PC bitmap");
}

/* The same four bytes begin classes (version 45 and up) and Mach-O files for several processors. */
static bool guess_cafebabe(struct bytes b, struct type_guess *out)
{
	if (b.n < 8 || !bytes_at(b, 0, "\xca\xfe\xba\xbe", 4))
		return false;
	bool classes = b.at[6] || b.at[7] >= 45;
	return classes ? types_set(out, "java", "compiled Java class data") : types_set(out, "exe,exe-unix", "Mach-O universal binary");
}

/* A header without a magic: the properties that all encoders write, a dictionary of 2^n bytes, a size that is unknown or sane. */
static bool guess_lzma(struct bytes b, struct type_guess *out)
{
	if (b.n < 14 || b.at[0] != 0x5d || b.at[1] != 0)
		return false;
	uint32_t dictionary = bytes_le32(b.at + 1), half = dictionary & (dictionary - 1);
	bool usual = dictionary >= 4096 && (half == 0 || (half & (half - 1)) == 0);
	bool size = bytes_at(b, 5, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) || (b.at[11] == 0 && b.at[12] == 0);
	return usual && size && types_set(out, "lzma", "LZMA compressed data");
}

/* Frames that a reader passes over may stand in front: 0x184D2A50 to ...5F. */
static bool guess_zstd(struct bytes b, struct type_guess *out)
{
	bool skippable = b.n >= 8 && (b.at[0] & 0xf0) == 0x50 && bytes_at(b, 1, "\x2a\x4d\x18", 3);
	return skippable && types_set(out, "zst", "Zstandard compressed data");
}

/* Seventh edition tar has no magic, but a sum of its header. */
static bool guess_old_tar(struct bytes b, struct type_guess *out)
{
	if (b.n < 512 || !b.at[0] || b.at[156] > '7')
		return false;
	unsigned sum = 8 * ' ', said = 0, digits = 0;
	for (size_t i = 0; i < 512; i++)
		sum += i < 148 || i >= 156 ? b.at[i] : 0;
	for (size_t i = 148; i < 156; i++)
		if (b.at[i] >= '0' && b.at[i] <= '7') {
			said = said * 8 + (unsigned)(b.at[i] - '0');
			digits++;
		}
	return digits >= 3 && sum == said && types_set(out, "tar", "tar archive (V7)");
}

/* Magics of two or three bytes are believed where what follows makes sense. */
static bool guess_short_magic(struct bytes b, struct type_guess *out)
{
	if (b.n < 8)
		return false;
	if (bytes_at(b, 0, "BZh", 3) && b.at[3] >= '1' && b.at[3] <= '9' && (b.at[4] == 0x31 || b.at[4] == 0x17))
		return types_set(out, "bz2", "bzip2 compressed data");
	if (bytes_at(b, 0, "\x1f\x9d", 2) && (b.at[2] & 0x1f) >= 9 && (b.at[2] & 0x1f) <= 16)
		return types_set(out, "Z", "compress'd data");
	if (bytes_at(b, 0, "\x60\xea", 2) && bytes_le16(b.at + 2) >= 30 && bytes_le16(b.at + 2) <= 2600)
		return types_set(out, "arj", "ARJ archive data");
	if (b.at[2] == '-' && b.at[6] == '-' && (bytes_at(b, 3, "lh", 2) || bytes_at(b, 3, "lz", 2) || bytes_at(b, 3, "pm", 2)))
		return types_set(out, "lha", "LHa archive data");
	return false;
}

static bool guess_old_cpio(struct bytes b, struct type_guess *out)
{
	bool little = bytes_at(b, 0, "\xc7\x71", 2), big = bytes_at(b, 0, "\x71\xc7", 2);
	if ((!little && !big) || b.n < 26)
		return false;
	size_t name = little ? bytes_le16(b.at + 20) : (size_t)(b.at[20] << 8 | b.at[21]);
	return name >= 2 && name <= 4096 && 26 + name <= b.n && b.at[26 + name - 1] == '\0'
		&& types_set(out, "cpio", little ? "cpio archive (little endian)" : "cpio archive (big endian)");
}

/* SEA's: a member's method, its name, its sizes. */
static bool guess_arc(struct bytes b, struct type_guess *out)
{
	if (b.n < 29 || b.at[0] != 0x1a || b.at[1] < 1 || b.at[1] > 11)
		return false;
	size_t length = strnlen((const char *)b.at + 2, 13);
	if (length == 0 || length > 12)
		return false;
	for (size_t i = 0; i < length; i++)
		if (b.at[2 + i] <= 0x20 || b.at[2 + i] >= 0x7f)
			return false;
	return types_set(out, "arc", "ARC archive data");
}

static bool is_printable(struct bytes b, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		if (i >= b.n || b.at[i] < 0x20 || b.at[i] == 0x7f)
			return false;
	return true;
}

/* No magic but zeros, a name, a type of four characters, and a version or more zeros. */
static bool guess_macbinary(struct bytes b, struct type_guess *out)
{
	if (b.n < 128 || b.at[0] || b.at[74] || b.at[82] || b.at[1] < 1 || b.at[1] > 63)
		return false;
	bool versioned = b.at[122] == 129 || b.at[122] == 130 || bytes_at(b, 102, "mBIN", 4);
	bool old = true;
	for (size_t i = 99; i < 128; i++)
		old &= b.at[i] == 0;
	return (versioned || old) && is_printable(b, 2, b.at[1]) && is_printable(b, 65, 4) && types_set(out, "macbin", "MacBinary");
}

/* It takes pieces of what it is given for strings, which end somewhere. */
static const char *ask_library(struct bytes b)
{
	char *copy = g_malloc(b.n + 1);
	memcpy(copy, b.at, b.n);
	copy[b.n] = '\0';
	const char *full = magic_buffer(magic, copy, b.n);	/* the library's own text */
	g_free(copy);
	return full;
}

static void guess_by_library(struct bytes b, struct type_guess *out)
{
	const char *full = magic ? ask_library(b) : NULL;
	types_set(out, "dat", "data");
	if (!full || !*full)
		return;
	size_t n = 0;
	for (const char *p = full; *p && n < sizeof out->full - 1; p++)
		out->full[n++] = *p >= 0x20 && *p < 0x7f ? *p : '?';
	out->full[n] = '\0';
	g_strlcpy(out->shorts, types_short_of_full(out->full), sizeof out->shorts);
}

static bool (*const guesses[])(struct bytes b, struct type_guess *out) = {
	types_guess_zip, guess_dos, guess_riff, types_guess_ole, types_guess_prefix, guess_short_magic, guess_old_cpio, guess_bitmap, guess_cafebabe, guess_zstd, guess_lzma,
	guess_old_tar, guess_arc, types_guess_crypt, guess_macbinary,
};

static bool may_ask_library(unsigned *left)
{
	if (!left)
		return true;
	if (*left == 0)
		return false;
	(*left)--;
	return true;
}

static void guess_beginning(struct bytes b, unsigned *library_left, struct type_guess *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(guesses); i++)
		if (guesses[i](b, out))
			return;
	if (types_is_text(b.at, b.n))
		types_guess_text(b.at, b.n, out);
	else if (may_ask_library(library_left))
		guess_by_library(b, out);
	else
		types_set(out, "dat", "data");
}

void types_guess_content(const struct type_content *c, struct type_guess *out)
{
	out->embeds = false;
	if (c->size == 0) {
		types_set(out, "empty", "empty");
		return;
	}
	guess_beginning((struct bytes){ .at = c->data, .n = c->n < TYPES_PREFIX_BYTES ? c->n : TYPES_PREFIX_BYTES }, c->library_left, out);
	types_add_tail(c, out);
	out->embeds = types_may_embed(c);
}

void types_guess(const uint8_t *data, size_t n, struct type_guess *out)
{
	types_guess_content(&(struct type_content){ .data = data, .n = n, .size = n, .fd = -1 }, out);
}

bool types_is_encrypted(const uint8_t *data, size_t n, const struct type_guess *guess)
{
	struct bytes b = { .at = data, .n = n };
	if (bytes_at(b, 0, "PK\3\4", 4))
		return n > 6 && data[6] & 1;	/* bit 0 of the flags of the first member */
	return strcmp(guess->shorts, "pgp,pgp.enc") == 0 || strcmp(guess->shorts, "p7m,p7m.enc") == 0;
}
