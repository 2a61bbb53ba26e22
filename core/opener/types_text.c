/* types_text.c - kinds of text, found by looking at its beginning. */
#include "config.h"

#include "opener/types_text.h"

#include "opener/types_inside.h"

#define LOOK_BYTES 4096

/* Controls that text may hold: BEL BS HT LF VT FF CR ESC, as file(1) has it. */
static const bool odd[256] = {
	[0] = true, [1] = true, [2] = true, [3] = true, [4] = true, [5] = true, [6] = true, [14] = true, [15] = true, [16] = true, [17] = true,
	[18] = true, [19] = true, [20] = true, [21] = true, [22] = true, [23] = true, [24] = true, [25] = true, [26] = true, [28] = true,
	[29] = true, [30] = true, [31] = true, [127] = true,
};

static bool has_utf16_mark(const uint8_t *d, size_t n)
{
	return n >= 4 && n % 2 == 0 && ((d[0] == 0xff && d[1] == 0xfe && d[3] == 0) || (d[0] == 0xfe && d[1] == 0xff && d[2] == 0));
}

bool types_is_text(const uint8_t *data, size_t n)
{
	if (has_utf16_mark(data, n))
		return true;
	for (size_t i = 0; i < n; i++)
		if (odd[data[i]])
			return false;
	return true;
}

static bool begins(const uint8_t *d, size_t n, const char *word)
{
	size_t length = strlen(word);
	return n >= length && g_ascii_strncasecmp((const char *)d, word, length) == 0;
}

static bool contains(const uint8_t *d, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (d[i] == (uint8_t)word[0] && begins(d + i, n - i, word))
			return true;
	return false;
}

static bool guess_xml_kind(const uint8_t *d, size_t n, struct type_guess *out)
{
	static const struct { const char *mark, *shorts, *full; } kinds[] = {
		{ "<job", "xml,wsf", "script for Windows Script Host, XML document text" },
		{ "<libraryDescription", "xml,library-ms", "Windows library, XML document text" },
		{ "<PCSettings", "xml,settingcontent-ms", "Windows settings shortcut, XML document text" },
		{ "<persistedQuery", "xml,search-ms", "Windows search, XML document text" },
		{ "progid=\"Word.Document\"", "xml,doc", "Microsoft Word 2003 XML document text" },
		{ "progid=\"Excel.Sheet\"", "xml,doc", "Microsoft Excel 2003 XML document text" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (contains(d, n, kinds[i].mark))
			return types_set(out, kinds[i].shorts, kinds[i].full);
	return false;
}

static bool guess_markup(const uint8_t *d, size_t n, struct type_guess *out)
{
	static const char *const html[] = {
		"<!doctype html", "<html", "<head", "<title", "<body", "<script", "<style", "<table", "<a href", "<h1", "<div", "<meta", "<iframe",
	};
	if (begins(d, n, "<?xml") || begins(d, n, "<svg") || begins(d, n, "<!doctype svg")) {
		bool svg = contains(d, n, "<svg");
		bool page = !svg && contains(d, n, "<html");
		if (svg)
			types_set(out, "image,svg", "SVG Scalable Vector Graphics image");
		else if (!guess_xml_kind(d, n, out))
			types_set(out, page ? "xml,html" : "xml", page ? "XHTML document text" : "XML document text");
		return true;
	}
	if (begins(d, n, "<package") || begins(d, n, "<job"))
		return guess_xml_kind(d, n, out);
	for (size_t i = 0; i < G_N_ELEMENTS(html); i++) {
		if (!begins(d, n, html[i]) && !(i < 2 && contains(d, n, html[i])))
			continue;
		bool application = contains(d, n, "<hta:application");
		types_set(out, application ? "html,hta" : "html", application ? "HTML application text" : "HTML document text");
		return true;
	}
	return false;
}

/* Kinds of text that some program acts upon; what is unlikely in prose only. */
struct kind {
	const char *mark;
	bool at_start;			/* else anywhere in what is looked at */
	const char *shorts, *full;
};

static const struct kind kinds[] = {
	{ "[InternetShortcut]", true, "url", "MS Windows 95 Internet shortcut text" },
	{ "[{000214A0-0000-0000-C000-000000000046}]", true, "url", "MS Windows 95 Internet shortcut text" },
	{ "[Desktop Entry]", true, "txt,desktop", "desktop entry text" },
	{ "[Shell]\r", true, "txt,scf", "MS Windows Explorer command text" },
	{ "Attribute VB_Name", true, "txt,vba", "Visual Basic for Applications source text" },
	{ "Windows Registry Editor", true, "txt,reg", "Windows Registry text" },
	{ "REGEDIT4", true, "txt,reg", "Windows Registry text" },
	{ "ID;P", true, "txt,slk", "SYLK spreadsheet text" },
	{ "WEB\r\n1\r\n", true, "txt,iqy", "Excel web query text" },
	{ "full address:s:", false, "txt,rdp", "remote desktop connection text" },
	{ "@echo off", true, "txt,bat", "DOS batch file text" },
	{ "new ActiveXObject(", false, "txt,js", "JavaScript source text" },
	{ "WScript.CreateObject", false, "txt,js", "script for Windows Script Host text" },
	{ "#@~^", true, "txt,js", "encoded script text" },
	{ "On Error Resume Next", false, "txt,vbs", "Visual Basic script text" },
	{ "'use strict'", true, "txt,js", "JavaScript source text" },
	{ "\"use strict\"", true, "txt,js", "JavaScript source text" },
	{ "(function(", true, "txt,js", "JavaScript source text" },
	{ "(function (", true, "txt,js", "JavaScript source text" },
};

/* They hold descriptions in HTML. */
static bool guess_calendar(const uint8_t *d, size_t n, struct type_guess *out)
{
	return begins(d, n, "BEGIN:VCARD") ? types_set(out, "txt,vcf", "vCard visiting card")
		: begins(d, n, "BEGIN:VCALENDAR") && types_set(out, "txt,ics", "vCalendar calendar file");
}

static bool guess_kind(const uint8_t *d, size_t n, struct type_guess *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].at_start ? begins(d, n, kinds[i].mark) : contains(d, n, kinds[i].mark))
			return types_set(out, kinds[i].shorts, kinds[i].full);
	return false;
}

/* A header field that mails begin with, and MIME further down in the header: worth taking apart. */
static bool looks_like_mail(const uint8_t *d, size_t n)
{
	static const char *const first[] = {
		"Received:", "Return-Path:", "From:", "From ", ">From ", "To:", "Message-ID:", "Date:", "Subject:", "MIME-Version:", "Delivered-To:",
		"X-Mozilla-", "DKIM-Signature:", "Content-Type:", "Reply-To:", "Sender:",
	};
	bool known = false;
	for (size_t i = 0; i < G_N_ELEMENTS(first) && !known; i++)
		known = begins(d, n, first[i]);
	return known && (contains(d, n, "\nMIME-Version:") || contains(d, n, "\nContent-Type:") || begins(d, n, "MIME-Version:")
		|| begins(d, n, "Content-Type:") || contains(d, n, "\nReceived:"));
}

static void guess_charset(const uint8_t *d, size_t n, struct type_guess *out)
{
	const char *end;
	bool ascii = true;
	for (size_t i = 0; i < n && ascii; i++)
		ascii = d[i] < 0x80;
	if (ascii)
		types_set(out, "txt", "ASCII text");
	else if (has_utf16_mark(d, n))
		types_set(out, "txt", "Unicode text, UTF-16");
	else if (g_utf8_validate((const char *)d, (gssize)n, &end) || (n == TYPES_PREFIX_BYTES && (size_t)(end - (const char *)d) + 4 > n))
		types_set(out, "txt", "Unicode text, UTF-8 text");
	else
		types_set(out, "txt", "ISO-8859 text");
}

void types_guess_text(const uint8_t *data, size_t n, struct type_guess *out)
{
	size_t skip = n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	while (skip < n && g_ascii_isspace(data[skip]))
		skip++;
	const uint8_t *d = data + skip;
	size_t look = n - skip < LOOK_BYTES ? n - skip : LOOK_BYTES;
	if (look > 0 && (guess_calendar(d, look, out) || guess_markup(d, look, out)))
		return;
	if (looks_like_mail(d, look)) {
		types_set(out, "mail", "RFC 822 mail text");
		return;
	}
	if (begins(d, look, "begin 6") || begins(d, look, "begin 7") || begins(d, look, "begin 4")) {
		types_set(out, "uue", "uuencoded or xxencoded text");
		return;
	}
	if (!guess_kind(d, look, out))
		guess_charset(data, n, out);
}
