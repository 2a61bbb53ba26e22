/* pdf_syntax.c - see pdf_syntax.h. */
#include "pdf_syntax.h"

#include <stdlib.h>

#define DEPTH_MAX 64
#define NAME_MAX_BYTES 64

static bool is_space(uint8_t c) { return c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' '; }
static bool is_delimiter(uint8_t c) { return c == '(' || c == ')' || c == '<' || c == '>' || c == '[' || c == ']' || c == '{' || c == '}' || c == '/' || c == '%'; }

size_t pdf_skip_space(struct span s, size_t at)
{
	while (at < s.n) {
		if (s.at[at] == '%')
			while (at < s.n && s.at[at] != '\r' && s.at[at] != '\n')
				at++;
		else if (is_space(s.at[at]))
			at++;
		else
			break;
	}
	return at;
}

/* --- tokens --- */

static size_t end_of_literal(struct span s, size_t at)
{
	unsigned depth = 0;
	for (; at < s.n; at++) {
		if (s.at[at] == '\\')
			at++;
		else if (s.at[at] == '(')
			depth++;
		else if (s.at[at] == ')' && --depth == 0)
			return at + 1;
	}
	return s.n;
}

static size_t end_of_regular(struct span s, size_t at)
{
	at++;
	while (at < s.n && !is_space(s.at[at]) && !is_delimiter(s.at[at]))
		at++;
	return at;
}

/* What stands at `at` is one token: a string, a name, a word, a bracket; "<<" and ">>" are tokens, too. */
static size_t end_of_token(struct span s, size_t at)
{
	uint8_t c = s.at[at], next = span_8(s, at + 1);
	if (c == '(')
		return end_of_literal(s, at);
	if ((c == '<' || c == '>') && c == next)
		return at + 2;
	if (c == '<') {
		size_t end = span_find(s, at, ">", 1);
		return end == SIZE_MAX ? s.n : end + 1;
	}
	if (c == '/' || !is_delimiter(c))
		return end_of_regular(s, at);
	return at + 1;
}

/* The decoded character of a name at *at. */
static uint8_t name_character(struct span s, size_t *at)
{
	int high = hex_digit(span_8(s, *at + 1)), low = hex_digit(span_8(s, *at + 2));
	if (s.at[*at] == '#' && high >= 0 && low >= 0) {
		*at += 3;
		return (uint8_t)(high << 4 | low);
	}
	return s.at[(*at)++];
}

bool pdf_is_name(struct span value, const char *name)
{
	size_t start = pdf_skip_space(value, 0);
	if (span_8(value, start) != '/')
		return false;
	struct span s = span_sub(value, 0, end_of_token(value, start));
	size_t at = start + 1;
	while (at < s.n && *name)
		if (name_character(s, &at) != (uint8_t)*name++)
			return false;
	return at >= s.n && !*name;
}

static enum pdf_key key_of(struct span token)
{
	static const char *const keys[] = {
#define K(name) #name,
		PDF_KEYS(K)
#undef K
	};
	if (token.n > NAME_MAX_BYTES)
		return PDF_KEY_COUNT;
	for (unsigned i = 0; i < PDF_KEY_COUNT; i++)
		if (pdf_is_name(token, keys[i]))
			return (enum pdf_key)i;
	return PDF_KEY_COUNT;
}

/* --- the walk --- */

struct frame {
	struct pdf_dict dict;
	enum pdf_key key;		/* whose value is being read */
	size_t from;			/* where it begins */
	bool wants_value;		/* nothing of it was seen yet */
	bool array;			/* no dictionary: names in it are no keys */
};

struct walker {
	struct span s;
	const struct pdf_visitor *visitor;
	struct frame *frames;
	unsigned depth, ignored;	/* what nests deeper than DEPTH_MAX is stepped over */
	bool enough;
};

/* Those of which viewers may take the one or the other. */
static bool must_be_one(enum pdf_key key)
{
	static const enum pdf_key keys[] = { PDF_JS, PDF_EF, PDF_F, PDF_UF, PDF_DOS, PDF_Mac, PDF_Unix, PDF_S, PDF_Win };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (keys[i] == key)
			return true;
	return false;
}

static void end_value(struct walker *w, struct frame *f, size_t at)
{
	if (f->key != PDF_KEY_COUNT) {
		struct span *value = &f->dict.value[f->key], before = *value;
		*value = span_sub(w->s, f->from, at - f->from);
		f->dict.doubled |= before.n > 0 && must_be_one(f->key) && (before.n != value->n || memcmp(before.at, value->at, before.n) != 0);
	}
	f->key = PDF_KEY_COUNT;
}

static void push(struct walker *w, bool array)
{
	if (w->depth == DEPTH_MAX) {
		w->ignored++;
		if (w->visitor->too_deep)
			*w->visitor->too_deep = true;
		return;
	}
	struct frame *f = &w->frames[w->depth++];
	memset(f, 0, sizeof *f);
	f->key = PDF_KEY_COUNT;
	f->array = array;
	f->dict.depth = w->depth;
}

static void pop(struct walker *w, size_t at)
{
	if (w->ignored > 0) {
		w->ignored--;
		return;
	}
	if (w->depth == 0)
		return;
	struct frame *f = &w->frames[--w->depth];
	end_value(w, f, at);
	if (!f->array)
		w->enough |= !w->visitor->dictionary(w->visitor->context, &f->dict);
}

static void take_name(struct walker *w, size_t at, size_t end)
{
	struct frame *f = &w->frames[w->depth - 1];
	if (f->array || w->ignored > 0)
		return;
	if (f->wants_value) {
		f->wants_value = false;
		return;
	}
	end_value(w, f, at);
	f->key = key_of(span_sub(w->s, at, end - at));
	f->from = end;
	f->wants_value = true;
}

static void take_token(struct walker *w, size_t at, size_t end)
{
	uint8_t c = w->s.at[at];
	if (w->depth > 0 && c != '/' && c != '>' && c != ']' && w->ignored == 0)
		w->frames[w->depth - 1].wants_value = false;
	if ((c == '<' && end == at + 2 && w->s.at[at + 1] == '<') || c == '[')
		push(w, c == '[');
	else if ((c == '>' && end == at + 2) || c == ']')
		pop(w, at);
	else if (c == '/' && w->depth > 0)
		take_name(w, at, end);
}

/* A word that ends an object wherever it stands: dictionaries that were not closed end there, too. */
static bool is_end(struct span s, size_t at, size_t end)
{
	size_t n = end - at;
	return (n == 6 && (memcmp(s.at + at, "endobj", 6) == 0 || memcmp(s.at + at, "stream", 6) == 0)) || (n == 9 && memcmp(s.at + at, "endstream", 9) == 0);
}

size_t pdf_walk(struct span s, const struct pdf_visitor *v)
{
	struct walker w = { .s = s, .visitor = v, .frames = malloc(DEPTH_MAX * sizeof *w.frames) };
	size_t at = pdf_skip_space(s, 0);
	if (!w.frames)
		return s.n;
	for (bool first = true; at < s.n && !w.enough && (first || w.depth > 0); first = false) {
		size_t end = end_of_token(s, at);
		if (is_end(s, at, end))
			break;
		take_token(&w, at, end);
		at = w.depth > 0 ? pdf_skip_space(s, end) : end;
	}
	w.ignored = 0;
	while (w.depth > 0 && !w.enough)
		pop(&w, at);
	free(w.frames);
	return at;
}

static bool keep_outermost(void *context, const struct pdf_dict *d)
{
	if (d->depth == 1)
		*(struct pdf_dict *)context = *d;
	return true;
}

bool pdf_read_dict(struct span s, struct pdf_dict *d, size_t *end)
{
	memset(d, 0, sizeof *d);
	if (!span_at(s, pdf_skip_space(s, 0), "<<", 2))
		return false;
	*end = pdf_walk(s, &(struct pdf_visitor){ .dictionary = keep_outermost, .context = d });
	return d->depth == 1;
}

/* --- values --- */

static size_t end_of_value(struct span s, size_t at)
{
	struct pdf_dict ignored;
	bool nests = s.at[at] == '[' || span_at(s, at, "<<", 2);
	uint32_t number, generation;
	if (s.at[at] >= '0' && s.at[at] <= '9' && pdf_reference(span_from(s, at), &number, &generation))
		return span_find(s, at, "R", 1) + 1;
	return nests ? at + pdf_walk(span_from(s, at), &(struct pdf_visitor){ .dictionary = keep_outermost, .context = &ignored }) : end_of_token(s, at);
}

struct span pdf_next(struct span array, size_t *at)
{
	size_t from = pdf_skip_space(array, *at);
	if (*at == 0 && span_8(array, from) == '[')
		from = pdf_skip_space(array, from + 1);
	if (from >= array.n || array.at[from] == ']')
		return (struct span){ array.at, 0 };
	size_t end = end_of_value(array, from);
	*at = end > from ? end : array.n;
	return span_sub(array, from, end > from ? end - from : 0);
}

struct span pdf_nth(struct span value, unsigned n)
{
	size_t at = 0;
	if (span_8(value, pdf_skip_space(value, 0)) != '[')
		return n == 0 ? value : (struct span){ value.at, 0 };
	struct span each = pdf_next(value, &at);
	while (n-- > 0 && each.n > 0)
		each = pdf_next(value, &at);
	return each;
}

static bool take_integer(struct span s, size_t *at, int64_t *out)
{
	*at = pdf_skip_space(s, *at);
	bool minus = span_8(s, *at) == '-';
	size_t from = *at += minus || span_8(s, *at) == '+';
	for (*out = 0; *at < s.n && s.at[*at] >= '0' && s.at[*at] <= '9' && *at - from < 15; (*at)++)
		*out = *out * 10 + (s.at[*at] - '0');
	*out = minus ? -*out : *out;
	return *at > from;
}

bool pdf_integer(struct span value, int64_t *out)
{
	size_t at = 0;
	return take_integer(value, &at, out);
}

bool pdf_reference(struct span value, uint32_t *number, uint32_t *generation)
{
	size_t at = 0;
	int64_t n, g;
	if (!take_integer(value, &at, &n) || !take_integer(value, &at, &g) || n < 0 || n > UINT32_MAX || g < 0 || g > UINT16_MAX)
		return false;
	*number = (uint32_t)n;
	*generation = (uint32_t)g;
	return span_8(value, pdf_skip_space(value, at)) == 'R';
}

/* --- strings --- */

/* An escape at s.at[at] (behind the backslash): its character in *c, or -1 for none; returns how long it is. */
static size_t unescape(struct span s, size_t at, int *c)
{
	static const char letters[] = "nrtbf", values[] = "\n\r\t\b\f";
	uint8_t e = span_8(s, at);
	const char *letter = e ? strchr(letters, e) : NULL;
	size_t n = 0;
	*c = letter ? values[letter - letters] : e;
	if (e == '\r' || e == '\n') {
		*c = -1;
		return e == '\r' && span_8(s, at + 1) == '\n' ? 2 : 1;
	}
	if (e < '0' || e > '7')
		return 1;
	for (*c = 0; n < 3 && span_8(s, at + n) >= '0' && span_8(s, at + n) <= '7'; n++)
		*c = *c * 8 + (s.at[at + n] - '0');
	*c &= 0xff;
	return n;
}

static size_t read_literal(struct span s, uint8_t *out)
{
	size_t n = 0, end = s.n > 1 && s.at[s.n - 1] == ')' ? s.n - 1 : s.n;
	for (size_t at = 1; at < end; at++) {
		if (s.at[at] != '\\') {
			out[n++] = s.at[at];
			continue;
		}
		int c;
		at += unescape(span_sub(s, 0, end), at + 1, &c);
		if (c >= 0)
			out[n++] = (uint8_t)c;
	}
	return n;
}

static size_t read_hexadecimal(struct span s, uint8_t *out)
{
	size_t digits = 0;
	for (size_t at = 1; at < s.n && s.at[at] != '>'; at++) {
		int digit = hex_digit(s.at[at]);
		if (digit < 0)
			continue;
		out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] | digit : digit << 4);
		digits++;
	}
	return (digits + 1) / 2;
}

struct span pdf_string(struct postern_call *call, struct span value)
{
	size_t at = pdf_skip_space(value, 0);
	bool literal = span_8(value, at) == '(', hexadecimal = span_8(value, at) == '<' && span_8(value, at + 1) != '<';
	if (!literal && !hexadecimal)
		return (struct span){ 0 };
	struct span s = span_sub(value, at, end_of_token(value, at) - at);
	uint8_t *out = postern_alloc(call, s.n + 1);
	return (struct span){ out, literal ? read_literal(s, out) : read_hexadecimal(s, out) };
}

/* UTF-16 of either order, UTF-8 by its mark, else bytes as they are. */
char *pdf_text(struct postern_call *call, struct span string)
{
	bool big = span_at(string, 0, "\xfe\xff", 2);
	if (!big && !span_at(string, 0, "\xff\xfe", 2))
		return span_text(call, span_at(string, 0, "\xef\xbb\xbf", 3) ? span_from(string, 3) : string);
	struct span wide = span_from(string, 2);
	if (!big)
		return span_utf16(call, wide);
	uint8_t *turned = postern_alloc(call, wide.n + 1);
	for (size_t i = 0; i + 1 < wide.n; i += 2) {
		turned[i] = wide.at[i + 1];
		turned[i + 1] = wide.at[i];
	}
	return span_utf16(call, (struct span){ turned, wide.n & ~(size_t)1 });
}
