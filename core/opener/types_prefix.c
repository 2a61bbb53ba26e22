/* types_prefix.c - formats that say what they are at a fixed place.  The first line that fits counts. */
#include "config.h"

#include "opener/types_inside.h"

#include <glib.h>

struct prefix {
	unsigned short offset, length;
	const char *bytes, *shorts, *full;
};
#define PREFIX(offset, bytes, shorts, full) { offset, sizeof bytes - 1, bytes, shorts, full }

static const struct prefix prefixes[] = {
	PREFIX(0, "\x7f" "ELF", "exe,exe-unix", "ELF object"),
	PREFIX(0, "\x1f\x8b", "gz", "gzip compressed data"),
	PREFIX(0, "\xfd" "7zXZ\0", "xz", "XZ compressed data"),
	PREFIX(0, "\x28\xb5\x2f\xfd", "zst", "Zstandard compressed data"),
	PREFIX(0, "\x04\x22\x4d\x18", "lz4", "LZ4 compressed data"),
	PREFIX(0, "LZIP", "lzip", "lzip compressed data"),
	PREFIX(0, "\x89LZO\0\r\n\x1a\n", "lzo", "lzop compressed data"),
	PREFIX(0, "LRZI", "lrz", "LRZIP compressed data"),
	PREFIX(0, "\x1f\x9f", "F", "frozen file"),
	PREFIX(0, "7z\xbc\xaf\x27\x1c", "7z", "7-zip archive data"),
	PREFIX(0, "Rar!\x1a\x07", "rar", "RAR archive data"),
	PREFIX(0, "MSCF\0\0\0\0", "cab", "Microsoft Cabinet archive data"),
	PREFIX(0, "ISc(", "installshield", "InstallShield CAB"),
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
	PREFIX(0, "%!PS", "ps", "PostScript document text"),
	PREFIX(0, "\x02\x21\x4c\x18", "lz4", "LZ4 compressed data (legacy)"),
	PREFIX(0, "BZ0", "bz", "bzip compressed data"),
	PREFIX(0, "RZIP", "rz", "rzip compressed data"),
	PREFIX(0, "RE~^", "rar", "RAR archive data (<v1.5)"),
	PREFIX(0, "SZDD\x88\xf0\x27\x33", "szdd", "MS Compress archive data, SZDD variant"),
	PREFIX(0, "SZ \x88\xf0\x27\x33\xd1", "szdd", "MS Compress archive data, QBasic variant"),
	PREFIX(0, "KWAJ\x88\xf0\x27\xd1", "kwaj", "MS Compress archive data, KWAJ variant"),
	PREFIX(0, "ITSF\x03\0\0\0", "chm", "MS Windows HtmlHelp Data"),
	PREFIX(0, "xar!", "xar", "xar archive"),
	PREFIX(0, "WARC/", "warc", "WARC Archive"),
	PREFIX(0, "MSWIM\0\0\0", "wim", "Windows imaging (WIM) image"),
	PREFIX(0, "SIT!", "sit", "StuffIt Archive"),
	PREFIX(0, "StuffIt", "sit", "StuffIt Archive"),
	PREFIX(0, "ALZ\x01", "alz", "ALZ archive data"),
	PREFIX(0, "EGGA", "egg", "EGG archive data"),
	PREFIX(32769, "BEA01", "udf,iso", "UDF filesystem data"),
	PREFIX(32769, "NSR02", "udf,iso", "UDF filesystem data"),
	PREFIX(32769, "NSR03", "udf,iso", "UDF filesystem data"),
	PREFIX(0, "vhdxfile", "vhd,vhdx", "Microsoft Disk Image eXtended"),
	PREFIX(0, "conectix", "vhd", "Microsoft Disk Image, Virtual Server or Virtual PC"),
	PREFIX(0, "KDMV", "vmdk", "VMware4 disk image"),
	PREFIX(0, "COWD", "vmdk", "VMware3 disk image"),
	PREFIX(0, "QFI\xfb", "qcow", "QEMU QCOW disk image data"),
	PREFIX(0, "hsqs", "squashfs", "Squashfs filesystem, little endian"),
	PREFIX(0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "one", "Microsoft OneNote"),
	PREFIX(0, "\xa1\x2f\xff\x43\xd9\xef\x76\x4c\x9e\xe2\x10\xea\x57\x22\x76\x5f", "one", "Microsoft OneNote table of contents"),
	PREFIX(0, "ActiveMime\0\0", "mso", "Microsoft Office ActiveMime data"),
	PREFIX(0, "!BDN", "pst", "Microsoft Outlook email folder"),
	PREFIX(0, "{\\rt", "rtf", "Rich Text Format data"),
	PREFIX(0, "\xc5\xd0\xd3\xc6", "ps", "DOS EPS Binary File Postscript"),
	PREFIX(0, "?_\x03\0", "hlp", "MS Windows 3.1 help"),
	PREFIX(0, "regf", "reg", "MS Windows registry file"),
	PREFIX(0, "\0asm", "wasm", "WebAssembly (wasm) binary module"),
	PREFIX(0, "dex\n", "dex", "Dalvik dex file"),
	PREFIX(0, "\xfe\xed\xfa\xce", "exe,exe-unix", "Mach-O executable"),
	PREFIX(0, "\xfe\xed\xfa\xcf", "exe,exe-unix", "Mach-O 64-bit executable"),
	PREFIX(0, "\xce\xfa\xed\xfe", "exe,exe-unix", "Mach-O executable"),
	PREFIX(0, "\xcf\xfa\xed\xfe", "exe,exe-unix", "Mach-O 64-bit executable"),
	PREFIX(0, "\0\0\1\0\1\0", "image,ico", "MS Windows icon resource"),
	PREFIX(0, "8BPS", "image,psd", "Adobe Photoshop Image"),
	PREFIX(0, "SQLite format 3", "sqlite", "SQLite 3.x database"),
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
	PREFIX(0, "\xde\x12\x04\x95", "mo", "GNU message catalog"),
	PREFIX(0, "\x95\x04\x12\xde", "mo", "GNU message catalog"),
	PREFIX(0, "-----BEGIN PGP MESSAGE-----", "pgp,pgp.enc", "PGP message"),
	PREFIX(0, "-----BEGIN PGP ", "pgp,pgp.asc", "PGP armored data"),
	PREFIX(0, "\0\5\x16\0", "applefile", "AppleSingle encoded Macintosh file"),
	PREFIX(0, "\0\5\x16\7", "applefile", "AppleDouble encoded Macintosh file"),
	PREFIX(0, "(This file must be converted with BinHex", "hqx", "BinHex binary text"),
	PREFIX(0, "#!", "txt,script", "script text executable"),
};

bool types_guess_prefix(struct bytes b, struct type_guess *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		const struct prefix *p = &prefixes[i];
		if (bytes_at(b, p->offset, p->bytes, p->length))
			return types_set(out, p->shorts, p->full);
	}
	return false;
}
