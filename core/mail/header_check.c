/* header_check.c - the bad-header tests; see header_check.h.
 *
 * One look at each field for what is wrong within it, one at the whole for what
 * is missing or there twice.  It judges by RFC 5322 and tells; what becomes of
 * the mail is others' business. */
#include "config.h"
#include "mail/header_check.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

#define EXCERPT_BYTES 60	/* of a field, around the octet meant */

struct checking {
	const struct header *header;
	unsigned tests;
	bool smtputf8;
	void *owner;
	struct header_flaws *out;
};

struct span { const unsigned char *at; size_t n; };

enum header_test header_test_named(const char *name)
{
	static const char *const names[] = { "other", "mime", "syntax", "empty", "long", "control", "8bit", "utf8", "missing", "multiple" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum header_test)(1u << i);
	return (enum header_test)0;
}

/* --- telling --- */

static bool is_wanted(const struct checking *c, enum header_test test)
{
	return c->tests & (unsigned)test;
}

static void tell(struct checking *c, enum header_flaw_kind kind, char *text)
{
	struct header_flaws *out = c->out;
	out->worst = MAX(out->worst, (unsigned)kind);
	if (out->count >= HEADER_FLAWS_MAX) {
		talloc_free(text);
		return;
	}
	out->flaws = talloc_realloc(c->owner, out->flaws, struct header_flaw, out->count + 1);
	out->flaws[out->count++] = (struct header_flaw){ .kind = kind, .text = text };
}

/* Line ends are left out, whatever is not printable ASCII is written as \NNN. */
static void append_printable(GString *to, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.at[i] == '\r' || s.at[i] == '\n')
			continue;
		if (s.at[i] < ' ' || s.at[i] >= 0x7f || s.at[i] == '\\')
			g_string_append_printf(to, "\\%03o", s.at[i]);
		else
			g_string_append_c(to, (char)s.at[i]);
	}
}

/* What a person needs to find the place: the field's name, and the text up to and behind the octet meant. */
static char *excerpt(const struct checking *c, const struct header_field *f, struct span field, size_t octet)
{
	GString *out = g_string_new(NULL);
	size_t name = f->name_length > 0 ? MIN((size_t)f->name_length + 1, (size_t)EXCERPT_BYTES) : 0;
	size_t from = octet > EXCERPT_BYTES / 2 ? octet - EXCERPT_BYTES / 2 : 0;
	size_t to = MIN(from + EXCERPT_BYTES, field.n);
	if (from > name) {
		append_printable(out, (struct span){ field.at, name });
		g_string_append(out, name > 0 ? " ..." : "...");
	} else {
		from = 0;
	}
	append_printable(out, (struct span){ field.at + from, to - from });
	if (to + 2 < field.n)
		g_string_append(out, "...");
	char *text = talloc_strdup(c->owner, out->str);
	g_string_free(out, TRUE);
	return text;
}

static void tell_octet(struct checking *c, enum header_flaw_kind kind, const struct header_field *f, const char *what, struct span field, size_t octet)
{
	char *place = excerpt(c, f, field, octet);
	tell(c, kind, talloc_asprintf(c->owner, "%s (char %02X hex): %s", what, field.at[octet], place));
	talloc_free(place);
}

static void tell_field(struct checking *c, enum header_flaw_kind kind, const struct header_field *f, const char *what, struct span field)
{
	char *place = excerpt(c, f, field, 0);
	tell(c, kind, talloc_asprintf(c->owner, "%s: %s", what, place));
	talloc_free(place);
}

/* --- within one field --- */

static void check_syntax(struct checking *c, const struct header_field *f, struct span field)
{
	if (f->name_length > 0 && !(f->name_length >= 2 && field.at[0] == '-' && field.at[1] == '-'))
		return;
	size_t i = 0;
	while (i < field.n && field.at[i] < 0x80 && field.at[i] != ':' && field.at[i] != '\n')
		i++;
	if (i < field.n && field.at[i] >= 0x80)
		tell_octet(c, FLAW_SYNTAX, f, "Non-ASCII character in a header field name", field, i);
	else
		tell_field(c, FLAW_SYNTAX, f, "Invalid header field", field);
}

/* NUL, or a CR that ends no line. */
static void check_control(struct checking *c, const struct header_field *f, struct span field)
{
	for (size_t i = 0; i < field.n; i++) {
		bool is_bare_cr = field.at[i] == '\r' && (i + 1 >= field.n || field.at[i + 1] != '\n');
		if (field.at[i] != '\0' && !is_bare_cr)
			continue;
		tell_octet(c, FLAW_CONTROL, f, "Improper use of control character", field, i);
		return;
	}
}

static size_t line_end(struct span field, size_t at)
{
	const unsigned char *newline = memchr(field.at + at, '\n', field.n - at);
	return newline ? (size_t)(newline - field.at) + 1 : field.n;
}

static bool is_all_blank(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!strchr(" \t\r\n", line.at[i]) || line.at[i] == '\0')
			return false;
	return true;
}

static size_t without_line_end(struct span line)
{
	size_t n = line.n;
	if (n > 0 && line.at[n - 1] == '\n')
		n--;
	return n > 0 && line.at[n - 1] == '\r' ? n - 1 : n;
}

static void check_lines(struct checking *c, const struct header_field *f, struct span field)
{
	bool blank_told = !is_wanted(c, HEADER_TEST_EMPTY), long_told = !is_wanted(c, HEADER_TEST_LONG);
	for (size_t at = 0, next; at < field.n && !(blank_told && long_told); at = next) {
		next = line_end(field, at);
		struct span line = { field.at + at, next - at };
		if (!blank_told && at > 0 && is_all_blank(line)) {
			tell_octet(c, FLAW_EMPTY, f, "Improper folded header field made up entirely of whitespace", field, at);
			blank_told = true;
		}
		if (!long_told && without_line_end(line) > HEADER_LINE_MAX_BYTES) {
			tell_field(c, FLAW_LONG, f, "Header line longer than 998 characters", field);
			long_told = true;
		}
	}
}

/* Place of the first octet above 127, or n. */
static size_t first_8bit(struct span s)
{
	size_t i = 0;
	while (i < s.n && s.at[i] < 0x80)
		i++;
	return i;
}

/* Place of the first control character of valid UTF-8 (C0 but blanks and line ends, DEL, C1), or n. */
static size_t first_utf8_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((s.at[i] < ' ' && !strchr("\t\r\n", s.at[i])) || s.at[i] == '\0' || s.at[i] == 0x7f)
			return i;
		if (s.at[i] == 0xc2 && i + 1 < s.n && s.at[i + 1] < 0xa0)
			return i;
	}
	return s.n;
}

static void check_8bit(struct checking *c, const struct header_field *f, struct span field)
{
	const char *bad;
	size_t i = first_8bit(field);
	if (i >= field.n)
		return;
	if (!g_utf8_validate_len((const char *)field.at, field.n, &bad)) {
		i = (size_t)(bad - (const char *)field.at);
		if (is_wanted(c, HEADER_TEST_8BIT) && i < field.n)
			tell_octet(c, FLAW_8BIT, f, "Non-encoded non-ASCII data (and not UTF-8)", field, i);
		return;
	}
	size_t control = first_utf8_control(field);
	if (control < field.n && is_wanted(c, HEADER_TEST_8BIT))
		tell_octet(c, FLAW_8BIT, f, "Non-encoded UTF-8 data with a control character", field, control);
	else if (is_wanted(c, HEADER_TEST_UTF8) && !c->smtputf8)
		tell_octet(c, FLAW_8BIT, f, "Non-encoded non-ASCII data (UTF-8, but not announced)", field, i);
}

static void check_field(struct checking *c, const struct header_field *f)
{
	struct span field = { (const unsigned char *)c->header->text + f->offset, f->length };
	if (is_wanted(c, HEADER_TEST_SYNTAX))
		check_syntax(c, f, field);
	if (is_wanted(c, HEADER_TEST_CONTROL))
		check_control(c, f, field);
	check_lines(c, f, field);
	if (is_wanted(c, HEADER_TEST_8BIT) || is_wanted(c, HEADER_TEST_UTF8))
		check_8bit(c, f, field);
}

/* --- over the whole --- */

static void check_missing(struct checking *c)
{
	static const char *const required[][2] = { { "date", "Date" }, { "from", "From" } };	/* RFC 5322 3.6 */
	for (size_t i = 0; i < G_N_ELEMENTS(required); i++)
		if (!header_find(c->header, required[i][0]))
			tell(c, FLAW_MISSING, talloc_asprintf(c->owner, "Missing required header field: \"%s\"", required[i][1]));
}

/* RFC 5322 3.6, RFC 2045 3, RFC 2183 2, RFC 3834 5: once at most. */
static const char *const single_fields[] = {
	"Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Message-ID", "References", "In-Reply-To", "MIME-Version",
	"Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Description", "Content-Disposition", "Auto-Submitted",
};

static int single_field_index(const struct header_field *f)
{
	for (size_t i = 0; i < G_N_ELEMENTS(single_fields); i++)
		if (strlen(single_fields[i]) == f->name_length && g_ascii_strcasecmp(single_fields[i], f->name) == 0)
			return (int)i;
	return -1;
}

static void check_multiple(struct checking *c)
{
	unsigned seen[G_N_ELEMENTS(single_fields)] = { 0 };
	for (unsigned i = 0; i < c->header->count; i++) {
		int index = single_field_index(&c->header->fields[i]);
		if (index >= 0 && ++seen[index] == 2)
			tell(c, FLAW_MULTIPLE, talloc_asprintf(c->owner, "Duplicate header field: \"%s\"", single_fields[index]));
	}
}

void header_check(const struct header *h, unsigned tests, bool smtputf8, const char *mime_error, void *owner, struct header_flaws *out)
{
	struct checking c = { .header = h, .tests = tests, .smtputf8 = smtputf8, .owner = owner, .out = out };
	*out = (struct header_flaws){ 0 };
	if (mime_error && is_wanted(&c, HEADER_TEST_MIME))
		tell(&c, FLAW_MIME, talloc_asprintf(owner, "MIME error: %s", mime_error));
	for (unsigned i = 0; i < h->count; i++)
		check_field(&c, &h->fields[i]);
	if (is_wanted(&c, HEADER_TEST_OTHER) && h->truncated)
		tell(&c, FLAW_SYNTAX, talloc_strdup(owner, "Header section larger than can be checked"));
	if (is_wanted(&c, HEADER_TEST_MISSING) && !h->truncated)
		check_missing(&c);
	if (is_wanted(&c, HEADER_TEST_MULTIPLE))
		check_multiple(&c);
}
