/* charset.c - text in a charset that does not show ASCII as such (UTF-7, UTF-16, EBCDIC, ISO 2022 with escapes in it), as a mail program
 * shows it.
 *
 * Rules, decoders and scanners look for bytes; what is declared to be in such a
 * charset says something else to people than to them.  The converted text is one
 * more part below the first, which stays. */
#include "config.h"

#include "opener/walk.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "opener/parameters.h"

#define NAME_BYTES_MAX 63			/* of a charset */
#define CHARSETS_MAX 4				/* that one part may name */
#define CONVERTED_MAX_BYTES (64u * 1024 * 1024)
#define PIECE_BYTES (64 * 1024)

static iconv_t open_charset(const char *charset)
{
	return iconv_open("UTF-8", g_mime_charset_iconv_name(charset));
}

/* Bytes by which a charset goes on: what one letter more takes, as there may be a mark in front of the first. */
static size_t unit_of(const char *charset)
{
	iconv_t cd = iconv_open(g_mime_charset_iconv_name(charset), "UTF-8");
	char ascii[] = "AB", made[64], *from = ascii, *to = made;
	size_t left = 1, room = sizeof made;
	if (cd == (iconv_t)-1)
		return 1;
	iconv(cd, &from, &left, &to, &room);
	size_t first = room;
	left = 1;
	iconv(cd, &from, &left, &to, &room);
	iconv_close(cd);
	return first - room == 2 || first - room == 4 ? first - room : 1;
}

/* What cannot be converted is left out, unit by unit: half a pair, as readers pass it over. NULL: more than fits, or no time is left. */
static GByteArray *convert(struct walk *w, iconv_t cd, size_t unit, struct slice text)
{
	union { const uint8_t *in; char *out; } from = { .in = text.data };
	size_t left = text.n;
	char piece[PIECE_BYTES];
	GByteArray *made = g_byte_array_new();
	while (left > 0 && made->len <= CONVERTED_MAX_BYTES && walk_may_go_on(w)) {
		char *to = piece;
		size_t room = sizeof piece;
		size_t rc = iconv(cd, &from.out, &left, &to, &room);
		g_byte_array_append(made, (const guint8 *)piece, (guint)(sizeof piece - room));
		if (rc == (size_t)-1 && errno != E2BIG && left > 0) {
			size_t skip = left < unit ? left : unit;
			from.out += skip;
			left -= skip;
		}
	}
	if (left == 0)
		return made;
	g_byte_array_free(made, TRUE);
	return NULL;
}

/* Letters, digits and marks mean themselves; but for two that old national charsets replace. */
static bool shows_ascii(struct walk *w, iconv_t cd)
{
	uint8_t sample[0x7f - 0x20];
	size_t n = 0;
	for (uint8_t c = 0x20; c < 0x7f; c++)
		if (c != '\\' && c != '~')
			sample[n++] = c;
	GByteArray *made = convert(w, cd, 1, (struct slice){ .data = sample, .n = n });
	bool same = made && made->len == n && memcmp(made->data, sample, n) == 0;
	if (made)
		g_byte_array_free(made, TRUE);
	return same;
}

/* In ISO 2022 what changes nothing vanishes, and may stand within a word that is looked for: an escape to ASCII in ASCII, a charset that is
 * made ready elsewhere than at the beginning of a line. */
static bool has_idle_escapes(struct slice text)
{
	bool ascii = true, shifted = false;
	for (size_t i = 0; i < text.n; i++) {
		const uint8_t *p = text.data + i;
		bool idle = *p == 0x0f && !shifted;
		shifted = *p == 0x0e || (shifted && *p != 0x0f);
		if (*p == 0x1b && text.n - i >= 3) {
			bool to_ascii = p[1] == '(' && (p[2] == 'B' || p[2] == 'J'), made_ready = p[1] == '$' && (p[2] == ')' || p[2] == '*');
			idle |= (to_ascii && ascii) || (made_ready && i > 0 && p[-1] != '\n');
			ascii = made_ready ? ascii : to_ascii;
		}
		if (idle)
			return true;
	}
	return false;
}

static void take_converted(struct walk *w, const struct part *p, GByteArray *text, struct place *below)
{
	struct node n;
	if (text->len >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0)
		g_byte_array_remove_range(text, 0, 3);	/* the mark of the order of bytes is no text */
	if (text->len == 0 || !node_begin(w, &n, *below))
		return;
	below->index++;
	for (unsigned i = 0; i < p->mime_type_count; i++)
		g_ptr_array_add(n.mime_types, g_strdup(p->mime_types[i]));
	leaf_take(w, &n, (struct encoded){ .raw = { .data = text->data, .n = text->len } }, *below);
	node_clear(&n);
}

static void take_as(struct walk *w, uint32_t number, const char *charset, struct slice text, struct place *below)
{
	iconv_t cd = open_charset(charset);
	if (cd == (iconv_t)-1)
		return;		/* not known here, nor to most readers */
	struct part part = *tree_part(w->tree, number);		/* the tree moves as it grows */
	GByteArray *made = NULL;
	bool hides = !shows_ascii(w, cd) || (g_ascii_strncasecmp(charset, "iso-2022-", 9) == 0 && has_idle_escapes(text));
	iconv(cd, NULL, NULL, NULL, NULL);
	if (hides && !(made = convert(w, cd, unit_of(charset), text)) && !walk_stopped(w))
		walk_limit(w, "Text of part %u is too large to be converted", number);
	if (made) {
		take_converted(w, &part, made, below);
		g_byte_array_free(made, TRUE);
	}
	iconv_close(cd);
}

/* Names that mail programs know and iconv does not, or takes for one order of bytes. */
static const char *usual_name(const char *charset)
{
	static const struct { const char *name, *usual; } names[] = {
		{ "utf16", "utf-16" }, { "ucs-2", "utf-16" }, { "iso-10646-ucs-2", "utf-16" }, { "unicode", "utf-16" }, { "csunicode", "utf-16" },
		{ "unicodefeff", "utf-16" }, { "unicodefffe", "utf-16" }, { "unicode-1-1-utf-7", "utf-7" }, { "unicode-2-0-utf-7", "utf-7" },
		{ "x-unicode-1-1-utf-7", "utf-7" }, { "x-unicode-2-0-utf-7", "utf-7" }, { "csunicode11utf7", "utf-7" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_ascii_strcasecmp(charset, names[i].name) == 0)
			return names[i].usual;
	return charset;
}

/* --- what is declared --- */

static void add_charset(void *context, const char *charset)
{
	GPtrArray *out = context;
	if (!*charset || strlen(charset) > NAME_BYTES_MAX || out->len >= CHARSETS_MAX)
		return;
	for (guint i = 0; i < out->len; i++)
		if (g_ascii_strcasecmp(g_ptr_array_index(out, i), charset) == 0)
			return;
	g_ptr_array_add(out, g_strdup(charset));
}

GPtrArray *charsets_declared(GMimeObject *entity)
{
	GMimeHeaderList *headers = g_mime_object_get_header_list(entity);
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	int n = g_mime_header_list_get_count(headers);
	for (int i = 0; i < n; i++) {
		GMimeHeader *h = g_mime_header_list_get_header_at(headers, i);
		const char *raw = g_mime_header_get_raw_value(h);
		if (raw && g_ascii_strcasecmp(g_mime_header_get_name(h), "Content-Type") == 0 && parameters_mention(raw, "charset"))
			parameters_read(raw, "charset", add_charset, out);
	}
	return out;
}

/* Most mail is in these, and need not be tried. */
static bool is_usual(const char *charset)
{
	static const char *const usual[] = { "utf-8", "us-ascii", "iso-8859-", "windows-125" };
	for (size_t i = 0; i < G_N_ELEMENTS(usual); i++)
		if (g_ascii_strncasecmp(charset, usual[i], strlen(usual[i])) == 0)
			return true;
	return false;
}

static void take_declared(struct walk *w, uint32_t number, const char *charset, struct slice text, struct place *below)
{
	bool marked = memcmp(text.data, "\xff\xfe", 2) == 0 || memcmp(text.data, "\xfe\xff", 2) == 0;
	if (is_usual(charset))
		return;
	charset = usual_name(charset);
	if (g_ascii_strcasecmp(charset, "utf-16") != 0) {
		take_as(w, number, charset, text, below);
		return;
	}
	/* Without a mark in front readers differ on the order of bytes. */
	if (!marked || text.data[0] == 0xff)
		take_as(w, number, "utf-16le", text, below);
	if (!marked || text.data[0] == 0xfe)
		take_as(w, number, "utf-16be", text, below);
}

void charset_take(struct walk *w, uint32_t number, const GPtrArray *charsets, struct slice text, struct place *below)
{
	for (guint i = 0; i < charsets->len && text.n >= 2 && !walk_stopped(w); i++)
		take_declared(w, number, g_ptr_array_index(charsets, i), text, below);
}
