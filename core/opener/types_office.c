/* types_office.c - documents that are zip archives or OLE 2 files inside: which they are.
 *
 * A document is typed as one ("doc,ooxml,docx"), not as the archive that it is
 * made of: rules against archives do not mean letters.  Decoders open it all the same. */
#include "config.h"

#include "opener/types_inside.h"

#define LOCAL_HEADER_BYTES 30

/* --- zip: the names of the first members, and the content of a first member "mimetype" that is not compressed --- */

struct family { const char *mark, *shorts, *full; };

static bool guess_family(struct bytes b, const struct family *families, size_t count, struct type_guess *out)
{
	for (size_t i = 0; i < count; i++)
		if (bytes_have(b, families[i].mark))
			return types_set(out, families[i].shorts, families[i].full);
	return false;
}

static bool guess_ooxml(struct bytes b, struct type_guess *out)
{
	static const struct family families[] = {
		{ "word/", "doc,ooxml,docx", "Microsoft Word 2007+" },
		{ "xl/", "doc,ooxml,xlsx", "Microsoft Excel 2007+" },
		{ "ppt/", "doc,ooxml,pptx", "Microsoft PowerPoint 2007+" },
		{ "visio/", "doc,ooxml,vsdx", "Microsoft Visio 2013+" },
		{ "AppxManifest.xml", "appx,zip", "Windows application package" },
		{ "AppxBundleManifest.xml", "appx,zip", "Windows application package" },
		{ "FixedDocSeq", "ooxml,xps", "Microsoft XPS document" },
	};
	return guess_family(b, families, G_N_ELEMENTS(families), out) || types_set(out, "ooxml,zip", "Microsoft OOXML");
}

static bool guess_by_mimetype(struct bytes b, struct type_guess *out)
{
	static const struct family families[] = {
		{ "mimetypeapplication/epub+zip", "epub", "EPUB document" },
		{ "opendocument.text", "doc,odf,odt", "OpenDocument Text" },
		{ "opendocument.spreadsheet", "doc,odf,ods", "OpenDocument Spreadsheet" },
		{ "opendocument.presentation", "doc,odf,odp", "OpenDocument Presentation" },
		{ "mimetypeapplication/vnd.oasis.opendocument", "doc,odf", "OpenDocument" },
		{ "mimetypeapplication/vnd.sun.xml", "doc,odf", "OpenOffice.org 1.x document" },
	};
	struct bytes first = { .at = b.at, .n = b.n < 512 ? b.n : 512 };
	return bytes_at(b, LOCAL_HEADER_BYTES, "mimetype", 8) && guess_family(first, families, G_N_ELEMENTS(families), out);
}

bool types_guess_zip(struct bytes b, struct type_guess *out)
{
	if (bytes_at(b, 0, "PK\5\6", 4))
		return types_set(out, "zip", "Zip archive data (empty)");
	if (bytes_at(b, 0, "PK00PK\3\4", 8) || bytes_at(b, 0, "PK\7\10", 4))
		return types_set(out, "zip", "Zip multi-volume archive data");
	if (!bytes_at(b, 0, "PK\3\4", 4))
		return false;
	if (guess_by_mimetype(b, out))
		return true;
	if (bytes_have(b, "[Content_Types].xml") && (bytes_have(b, "_rels/") || bytes_at(b, LOCAL_HEADER_BYTES, "[Content_Types].xml", 19)))
		return guess_ooxml(b, out);
	if (bytes_have(b, "AndroidManifest.xml"))
		return types_set(out, "apk,jar", "Android package (APK)");
	if (bytes_at(b, LOCAL_HEADER_BYTES, "META-INF/", 9))
		return types_set(out, "jar", "Java archive data (JAR)");
	if (bytes_at(b, LOCAL_HEADER_BYTES, "doc.kml", 7))
		return types_set(out, "kmz,zip", "Compressed Google KML Document");
	return types_set(out, "zip", "Zip archive data");
}

/* --- OLE 2: the class of the root entry --- */

#define OLE_SECTOR_SHIFT 30	/* offsets within the header */
#define OLE_DIRECTORY 48
#define OLE_CLASS 80		/* offset within a directory entry */

struct ole_class { const char *class, *shorts, *full; };
#define CLASS(low, mid, shorts, full) { low mid "\0\0\0\0\0\xc0\0\0\0\0\0\0\x46", shorts, full }

static const struct ole_class classes[] = {
	CLASS("\x84\x10\x0c", "", "msi,cdf-ms", "Composite Document File V2 Document, MSI Installer"),
	CLASS("\x86\x10\x0c", "", "msi,cdf-ms", "Composite Document File V2 Document, MSI Patch"),
	CLASS("\x82\x10\x0c", "", "msi,cdf-ms", "Composite Document File V2 Document, MSI Transform"),
	CLASS("\x0b\x0d\x02", "", "msg,cdf-ms", "CDF V2 Document, Microsoft Outlook Message"),
	CLASS("\x06\x09\x02", "", "doc,cdf-ms", "Composite Document File V2 Document, Microsoft Word"),
	CLASS("\x20\x08\x02", "", "doc,cdf-ms", "Composite Document File V2 Document, Microsoft Excel"),
	CLASS("\x10\x08\x02", "", "doc,cdf-ms", "Composite Document File V2 Document, Microsoft Excel 5"),
};

bool types_guess_ole(struct bytes b, struct type_guess *out)
{
	if (!bytes_at(b, 0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8))
		return false;
	if (b.n >= 512) {
		unsigned shift = bytes_le16(b.at + OLE_SECTOR_SHIFT);
		uint64_t at = shift == 9 || shift == 12 ? ((uint64_t)bytes_le32(b.at + OLE_DIRECTORY) + 1) << shift : UINT64_MAX;
		for (size_t i = 0; at < b.n && i < G_N_ELEMENTS(classes); i++)
			if (bytes_at(b, (size_t)at + OLE_CLASS, classes[i].class, 16))
				return types_set(out, classes[i].shorts, classes[i].full);
	}
	return types_set(out, "doc,cdf-ms", "Composite Document File V2 Document (OLE 2)");
}
