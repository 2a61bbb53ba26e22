/* types_full.c - amavisd-new's short types for the descriptions that libmagic gives; the first line that fits counts. */
#include "config.h"

#include "opener/types.h"

#include <glib.h>
#include <string.h>

struct mapping {
	const char *text;		/* part of the description, ^ in front: its beginning */
	const char *shorts;
};

static const struct mapping mappings[] = {
	{ "^empty", "empty" }, { "^directory", "dir" },
	{ "^gzip compressed", "gz" }, { "^bzip2 compressed", "bz2" }, { "^bzip compressed", "bz" }, { "^XZ compressed", "xz" },
	{ "^LZMA compressed", "lzma" }, { "^lzip compressed", "lzip" }, { "^LRZIP compressed", "lrz" }, { "^lzop compressed", "lzo" },
	{ "^LZ4 compressed", "lz4" }, { "^Zstandard compressed", "zst" }, { "^compress'd data", "Z" }, { "^frozen file", "F" },
	{ "^Zip archive", "zip" }, { "^Zip multi-volume", "zip" }, { "^Java archive data", "jar" }, { "^Microsoft OOXML", "ooxml,zip" },
	{ "^Microsoft Word 2007+", "doc,ooxml,docx" }, { "^Microsoft Excel 2007+", "doc,ooxml,xlsx" }, { "^Microsoft PowerPoint 2007+", "doc,ooxml,pptx" },
	{ "^OpenDocument", "doc,odf" }, { "^EPUB document", "epub" }, { "Google KML", "kmz,zip" }, { "^7-zip archive", "7z" },
	{ "^RAR archive", "rar" }, { "^ARJ archive", "arj" }, { "^LHa ", "lha" }, { "^LHarc ", "lha" }, { "^ARC archive", "arc" },
	{ "^ACE archive", "ace" }, { "^Zoo archive", "zoo" }, { "^Squashfs", "squashfs" }, { "^StuffIt", "sit" }, { "tar archive", "tar" }, { "cpio archive", "cpio" },
	{ "^Debian binary package", "deb" }, { "^current ar archive", "a" }, { "^RPM ", "rpm" }, { "(TNEF)", "tnef" },
	{ "^Transport Neutral Encapsulation", "tnef" }, { "^InstallShield", "installshield" }, { "^Microsoft Cabinet", "cab" },
	{ "ISO 9660", "iso" }, { "^UDF filesystem", "udf,iso" }, { "^Microsoft OneNote", "one" }, { "HtmlHelp Data", "chm" }, { "^xar archive", "xar" },
	{ "^WARC Archive", "warc" }, { "^MSI Installer", "msi,cdf-ms" }, { "^Microsoft Disk Image", "vhd" }, { "disk image", "img" }, { "^DOS/MBR boot sector", "img" }, { "^PGP message", "pgp,pgp.enc" }, { "^PGP RSA encrypted", "pgp,pgp.enc" }, { "^PGP symmetric key encrypted", "pgp,pgp.enc" }, { "^GPG symmetrically encrypted", "pgp,pgp.enc" },
	{ "^PGP", "pgp" }, { "^OpenPGP", "pgp" }, { "^GNU message catalog", "mo" },
	{ "^JPEG ", "image,jpg" }, { "^GIF image", "image,gif" }, { "^PNG image", "image,png" }, { "^TIFF image", "image,tif" },
	{ "^PCX", "image,pcx" }, { "^PC bitmap", "image,bmp" }, { "^SVG ", "image,svg" }, { "image data", "image" }, { "bitmap", "image" },
	{ "^MS Windows icon", "image" }, { "^MS Windows shortcut", "lnk" },
	{ "Layer III", "audio,mpa,mp3" }, { "^Audio file with ID3", "audio,mpa,mp3" }, { "MPEG ADTS", "audio,mpa,mp2" },
	{ "^FLAC audio", "audio,flac" }, { "^Ogg data", "audio,ogg" }, { "WAVE audio", "audio,wav" }, { "MPEG v4 system, 3GPP", "movie,3gpp" },
	{ "Apple iTunes ALAC/AAC", "audio,m4a" }, { "audio", "audio" }, { "^MPEG sequence", "movie,mpv" }, { "^MPEG transport", "movie,mpg" },
	{ "^ISO Media", "movie" }, { "^Matroska", "movie,mkv" }, { "^Microsoft ASF", "movie,wmv" }, { ", AVI", "movie,avi" },
	{ "animated cursor", "movie,ani" }, { "QuickTime movie", "movie" }, { "^Macromedia Flash", "swf" },
	{ "^HTML document", "html" }, { "XHTML document", "xml,html" }, { "^XML ", "xml" }, { "SGML document", "sgml" },
	{ "^PostScript", "ps" }, { "^PDF document", "pdf" }, { "^Rich Text Format", "rtf" }, { "^Composite Document File", "doc,cdf-ms" },
	{ "^CDF V2 Document", "doc,cdf-ms" }, { "^Microsoft Office Document", "doc" }, { "^Microsoft Word", "doc" }, { "^Microsoft Excel", "doc" },
	{ "Windows metafont", "wmf" }, { "Windows metafile", "wmf" }, { "Enhanced Metafile", "wmf" }, { "^LaTeX", "lat" }, { "^TeX DVI", "dvi" },
	{ "^compiled Java", "java" }, { "Internet shortcut", "url" }, { "uuencoded", "uue" }, { "BinHex", "hqx" },
	{ "^ELF ", "exe,exe-unix" }, { "shared object", "so" }, { "(DLL)", "exe,exe-ms,dll" }, { "^PE32", "exe,exe-ms" }, { "^MS-DOS executable", "exe,exe-ms" },
	{ "^DOS executable", "exe,exe-ms" }, { "^COM executable", "exe,exe-ms" }, { "^VAX executable", "exe,exe-vms" }, { "^VMS", "exe,exe-vms" },
	{ "Mach-O", "exe,exe-unix" }, { "executable", "exe" }, { "relocatable", "o" },
	{ "mail text", "mail" }, { "JavaScript source", "txt,js" }, { "script text", "txt,script" }, { " text", "txt" },
};

static bool fits(const struct mapping *m, const char *full)
{
	if (m->text[0] == '^')
		return strncmp(full, m->text + 1, strlen(m->text + 1)) == 0;
	return strstr(full, m->text) != NULL;
}

const char *types_short_of_full(const char *full)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mappings); i++)
		if (fits(&mappings[i], full))
			return mappings[i].shorts;
	return "dat";
}
