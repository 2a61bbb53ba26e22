/* types.c - prefixes of known formats, the plain text check, and the order of asking. */
#include "config.h"

#include "opener/types.h"

#include <glib.h>
#include <magic.h>
#include <string.h>

#include "opener/types_text.h"

struct bytes {
	const uint8_t *at;
	size_t n;
};

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

struct prefix {
	unsigned short offset, length;
	const char *bytes, *shorts, *full;
};
#define PREFIX(offset, bytes, shorts, full) { offset, sizeof bytes - 1, bytes, shorts, full }

static const struct prefix prefixes[] = {
	PREFIX(0, "\x7f" "ELF", "exe,exe-unix", "ELF object"),
	PREFIX(0, "\x1f\x8b", "gz", "gzip compressed data"),
	PREFIX(0, "BZh", "bz2", "bzip2 compressed data"),
	PREFIX(0, "\xfd" "7zXZ\0", "xz", "XZ compressed data"),
	PREFIX(0, "\x28\xb5\x2f\xfd", "zst", "Zstandard compressed data"),
	PREFIX(0, "\x04\x22\x4d\x18", "lz4", "LZ4 compressed data"),
	PREFIX(0, "LZIP", "lzip", "lzip compressed data"),
	PREFIX(0, "\x89LZO\0\r\n\x1a\n", "lzo", "lzop compressed data"),
	PREFIX(0, "LRZI", "lrz", "LRZIP compressed data"),
	PREFIX(0, "\x1f\x9d", "Z", "compress'd data"),
	PREFIX(0, "\x1f\x9f", "F", "frozen file"),
	PREFIX(0, "7z\xbc\xaf\x27\x1c", "7z", "7-zip archive data"),
	PREFIX(0, "Rar!\x1a\x07", "rar", "RAR archive data"),
	PREFIX(0, "MSCF\0\0\0\0", "cab", "Microsoft Cabinet archive data"),
	PREFIX(0, "ISc(", "installshield", "InstallShield CAB"),
	PREFIX(0, "\x60\xea", "arj", "ARJ archive data"),
	PREFIX(2, "-lh", "lha", "LHa archive data"),
	PREFIX(7, "**ACE**", "ace", "ACE archive data"),
	PREFIX(20, "\xdc\xa7\xc4\xfd", "zoo", "Zoo archive data"),
	PREFIX(257, "ustar", "tar", "POSIX tar archive"),
	PREFIX(0, "070701", "cpio", "ASCII cpio archive"),
	PREFIX(0, "070702", "cpio", "ASCII cpio archive"),
	PREFIX(0, "070707", "cpio", "ASCII cpio archive"),
	PREFIX(0, "!<arch>\ndebian", "deb", "Debian binary package"),
	PREFIX(0, "!<arch>\n", "a", "current ar archive"),
	PREFIX(0, "\xed\xab\xee\xdb", "rpm", "RPM package"),
	PREFIX(0, "\x78\x9f\x3e\x22", "tnef", "Transport Neutral Encapsulation Format (TNEF)"),
	PREFIX(32769, "CD001", "iso", "ISO 9660 CD-ROM filesystem data"),
	PREFIX(0, "%PDF-", "pdf", "PDF document"),
	PREFIX(0, "{\\rtf", "rtf", "Rich Text Format data"),
	PREFIX(0, "%!PS", "ps", "PostScript document text"),
	PREFIX(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc,cdf-ms", "Composite Document File V2 Document (OLE 2)"),
	PREFIX(0, "\x89PNG\r\n\x1a\n", "image,png", "PNG image data"),
	PREFIX(0, "\xff\xd8\xff", "image,jpg", "JPEG image data"),
	PREFIX(0, "GIF87a", "image,gif", "GIF image data, version 87a"),
	PREFIX(0, "GIF89a", "image,gif", "GIF image data, version 89a"),
	PREFIX(0, "II*\0", "image,tif", "TIFF image data, little-endian"),
	PREFIX(0, "MM\0*", "image,tif", "TIFF image data, big-endian"),
	PREFIX(0, "ID3", "audio,mpa,mp3", "Audio file with ID3"),
	PREFIX(0, "fLaC", "audio,flac", "FLAC audio bitstream data"),
	PREFIX(0, "OggS", "audio,ogg", "Ogg data"),
	PREFIX(0, "\x1a\x45\xdf\xa3", "movie,mkv", "Matroska data"),
	PREFIX(0, "FWS", "swf", "Macromedia Flash data"),
	PREFIX(0, "CWS", "swf", "Macromedia Flash data (compressed)"),
	PREFIX(0, "ZWS", "swf", "Macromedia Flash data (lzma compressed)"),
	PREFIX(0, "L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", "lnk", "MS Windows shortcut"),
	PREFIX(0, "\xca\xfe\xba\xbe", "java", "compiled Java class data"),
	PREFIX(0, "\xde\x12\x04\x95", "mo", "GNU message catalog"),
	PREFIX(0, "\x95\x04\x12\xde", "mo", "GNU message catalog"),
	PREFIX(0, "-----BEGIN PGP MESSAGE-----", "pgp,pgp.enc", "PGP message"),
	PREFIX(0, "-----BEGIN PGP ", "pgp,pgp.asc", "PGP armored data"),
	PREFIX(0, "(This file must be converted with BinHex", "hqx", "BinHex binary text"),
	PREFIX(0, "[InternetShortcut]", "url", "MS Windows 95 Internet shortcut text"),
	PREFIX(0, "#!", "txt,script", "script text executable"),
};

static bool has_at(struct bytes b, size_t offset, const char *bytes, size_t length)
{
	return b.n >= offset + length && memcmp(b.at + offset, bytes, length) == 0;
}

static bool set(struct type_guess *out, const char *shorts, const char *full)
{
	out->shorts = shorts;
	g_strlcpy(out->full, full, sizeof out->full);
	return true;
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* "MZ" may also begin a word: what is text throughout is no program. */
static bool guess_dos(struct bytes b, struct type_guess *out)
{
	if (!has_at(b, 0, "MZ", 2) && !has_at(b, 0, "ZM", 2))
		return false;
	size_t pe = b.n >= 64 ? le32(b.at + 60) : 0;
	if (pe && pe < b.n && has_at(b, pe, "PE\0\0", 4)) {
		bool dll = b.n > pe + 23 && b.at[pe + 23] & 0x20;
		return dll ? set(out, "exe,exe-ms,dll", "PE executable (DLL) for MS Windows") : set(out, "exe,exe-ms", "PE executable for MS Windows");
	}
	return !types_is_text(b.at, b.n) && set(out, "exe,exe-ms", "MS-DOS executable");
}

static bool guess_zip(struct bytes b, struct type_guess *out)
{
	if (has_at(b, 0, "PK\5\6", 4))
		return set(out, "zip", "Zip archive data (empty)");
	if (has_at(b, 0, "PK00PK\3\4", 8) || has_at(b, 0, "PK\7\10", 4))
		return set(out, "zip", "Zip multi-volume archive data");
	if (!has_at(b, 0, "PK\3\4", 4))
		return false;
	if (has_at(b, 30, "[Content_Types].xml", 19) || has_at(b, 30, "_rels/.rels", 11))
		return set(out, "zip", "Microsoft OOXML");
	if (has_at(b, 30, "mimetypeapplication/vnd.oasis.opendocument", 42))
		return set(out, "zip", "OpenDocument");
	if (has_at(b, 30, "META-INF/", 9))
		return set(out, "zip", "Java archive data (JAR)");
	if (has_at(b, 30, "doc.kml", 7))
		return set(out, "kmz,zip", "Compressed Google KML Document");
	return set(out, "zip", "Zip archive data");
}

static bool guess_riff(struct bytes b, struct type_guess *out)
{
	if (!has_at(b, 0, "RIFF", 4))
		return false;
	if (has_at(b, 8, "AVI ", 4))
		return set(out, "movie,avi", "RIFF data, AVI");
	if (has_at(b, 8, "WAVE", 4))
		return set(out, "audio,wav", "RIFF data, WAVE audio");
	if (has_at(b, 8, "ACON", 4))
		return set(out, "movie,ani", "RIFF data, animated cursor");
	if (has_at(b, 8, "WEBP", 4))
		return set(out, "image", "RIFF data, Web/P image");
	return set(out, "dat", "RIFF data");
}

static bool guess_prefix(struct bytes b, struct type_guess *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		const struct prefix *p = &prefixes[i];
		if (has_at(b, p->offset, p->bytes, p->length))
			return set(out, p->shorts, p->full);
	}
	return false;
}

static bool guess_bitmap(struct bytes b, struct type_guess *out)
{
	return has_at(b, 0, "BM", 2) && b.n > 26 && has_at(b, 6, "\0\0\0\0", 4) && set(out, "image,bmp", "PC bitmap");
}

static void guess_by_library(struct bytes b, struct type_guess *out)
{
	const char *full = magic ? magic_buffer(magic, b.at, b.n) : NULL;
	set(out, "dat", "data");
	if (!full || !*full)
		return;
	size_t n = 0;
	for (const char *p = full; *p && n < sizeof out->full - 1; p++)
		out->full[n++] = *p >= 0x20 && *p < 0x7f ? *p : '?';
	out->full[n] = '\0';
	out->shorts = types_short_of_full(out->full);
}

void types_guess(const uint8_t *data, size_t n, struct type_guess *out)
{
	struct bytes b = { .at = data, .n = n < TYPES_PREFIX_BYTES ? n : TYPES_PREFIX_BYTES };
	if (n == 0) {
		set(out, "empty", "empty");
		return;
	}
	if (guess_zip(b, out) || guess_dos(b, out) || guess_riff(b, out) || guess_prefix(b, out) || guess_bitmap(b, out))
		return;
	if (types_is_text(b.at, b.n)) {
		types_guess_text(b.at, b.n, out);
		return;
	}
	guess_by_library(b, out);
}

bool types_is_encrypted(const uint8_t *data, size_t n, const struct type_guess *guess)
{
	struct bytes b = { .at = data, .n = n };
	if (has_at(b, 0, "PK\3\4", 4))
		return n > 6 && data[6] & 1;	/* bit 0 of the flags of the first member */
	return strcmp(guess->shorts, "pgp,pgp.enc") == 0;
}
