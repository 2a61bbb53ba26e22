/* pdf_file.c - see pdf_file.h. */
#include "pdf_file.h"

#include <stdlib.h>

#define OBJECTS_MAX 1000000u
#define UNPACKED_MAX_BYTES (64u * 1024 * 1024)
#define ID_MAX_BYTES 1024
#define WALK_FACTOR 8		/* how often all bytes may be walked over before objects end where the next one begins */

/* --- finding objects --- */

static bool add_object(struct pdf_file *f, struct pdf_object o)
{
	if (f->count == f->room) {
		size_t room = f->room * 2 + 256;
		struct pdf_object *more = room <= OBJECTS_MAX * 2 ? realloc(f->objects, room * sizeof *more) : NULL;
		if (!more) {
			f->limit = true;
			return false;
		}
		f->objects = more;
		f->room = room;
	}
	f->objects[f->count++] = o;
	return true;
}

/* In front of white space, and of comments, which end with their line: lines are looked at once for what follows them. */
static size_t skip_back(struct span s, size_t at)
{
	for (;;) {
		bool line_ends = false;
		for (; at > 0 && strchr(" \t\r\n\f", s.at[at - 1]); at--)
			line_ends |= s.at[at - 1] == '\r' || s.at[at - 1] == '\n';
		size_t comment = SIZE_MAX;
		for (size_t from = at; line_ends && from > 0 && s.at[from - 1] != '\r' && s.at[from - 1] != '\n'; from--)
			comment = s.at[from - 1] == '%' ? from - 1 : comment;
		if (comment == SIZE_MAX)
			return at;
		at = comment;
	}
}

/* The number that ends before `at`, white space between perhaps; *start: where it begins. */
static bool number_before(struct span s, size_t at, size_t *start, uint32_t *number)
{
	size_t end = skip_back(s, at), from = end;
	while (from > 0 && end - from < 10 && s.at[from - 1] >= '0' && s.at[from - 1] <= '9')
		from--;
	int64_t value;
	*start = from;
	if (from == end || !pdf_integer(span_sub(s, from, end - from), &value) || value > UINT32_MAX)
		return false;
	*number = (uint32_t)value;
	return true;
}

/* "12 0 obj", wherever it stands, however far these are apart. */
static void find_objects(struct pdf_file *f)
{
	size_t at = 0, generation_at, number_at;
	for (unsigned turn = 1; (at = span_find(f->data, at, "obj", 3)) != SIZE_MAX; at += 3, turn++) {
		struct pdf_object o = { .body = span_from(f->data, at + 3) };
		if (turn % 4096 == 0 && !postern_may_go_on(f->call))
			return;
		if (at > 0 && f->data.at[at - 1] == 'd')	/* endobj */
			continue;
		if (number_before(f->data, at, &generation_at, &o.generation) && number_before(f->data, generation_at, &number_at, &o.number) && !add_object(f, o))
			return;
	}
}

static int by_number(const void *a, const void *b)
{
	const struct pdf_object *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->body.at < y->body.at ? -1 : x->body.at > y->body.at;
}

struct pdf_object *pdf_file_find(const struct pdf_file *f, uint32_t number, size_t *count)
{
	size_t low = 0, high = f->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (f->objects[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	*count = 0;
	while (low + *count < f->count && f->objects[low + *count].number == number)
		++*count;
	return f->objects ? f->objects + low : NULL;
}

/* Objects that never end cost the whole file each: after some of these they end with their own word. */
struct span pdf_file_body(struct pdf_file *f, const struct pdf_object *o)
{
	struct span s = o->body;
	if (f->walked > (uint64_t)f->data.n * WALK_FACTOR + (1u << 20)) {
		size_t end = span_find(s, 0, "endobj", 6);
		s = span_sub(s, 0, end == SIZE_MAX ? 4096 : end);
	}
	return s;
}

static bool read_dict(struct pdf_file *f, const struct pdf_object *o, struct pdf_dict *d, size_t *end)
{
	bool good = pdf_read_dict(pdf_file_body(f, o), d, end);
	f->walked += good ? *end : 0;
	return good;
}

/* --- streams --- */

static bool resolve_integer(struct pdf_file *f, struct span value, int64_t *out)
{
	uint32_t number, generation;
	size_t count;
	if (!pdf_reference(value, &number, &generation))
		return pdf_integer(value, out);
	struct pdf_object *o = pdf_file_find(f, number, &count);
	return count > 0 && pdf_integer(o[count - 1].body, out);
}

/* As long as it says where "endstream" follows, else to that word, else as far as there is anything. */
static struct span cut_stream(struct pdf_file *f, struct span s, struct span length)
{
	int64_t n;
	bool told = resolve_integer(f, length, &n) && n >= 0;
	f->uncertain_end = false;
	if (told && (uint64_t)n <= s.n && span_at(s, pdf_skip_space(s, (size_t)n), "endstream", 9))
		return span_sub(s, 0, (size_t)n);
	size_t end = span_find(s, 0, "endstream", 9);
	end = end == SIZE_MAX ? s.n : end;
	if (end > 0 && s.at[end - 1] == '\n')
		end--;
	if (end > 0 && s.at[end - 1] == '\r')
		end--;
	f->uncertain_end = told && (n > (int64_t)end + 2 || n < (int64_t)end);
	return span_sub(s, 0, end);
}

bool pdf_file_stream(struct pdf_file *f, const struct pdf_object *o, struct pdf_dict *d, struct span *raw)
{
	size_t end = 0;
	if (!read_dict(f, o, d, &end))
		return false;
	size_t at = pdf_skip_space(o->body, end);
	if (!span_at(o->body, at, "stream", 6))
		return false;
	at += 6;
	at += span_8(o->body, at) == '\r';
	at += span_8(o->body, at) == '\n';
	*raw = cut_stream(f, span_from(o->body, at), d->value[PDF_Length]);
	f->walked += raw->n;
	return true;
}

static const struct filter_name { const char *name, *brief; enum pdf_filter_kind kind; } filter_names[] = {
	{ "FlateDecode", "Fl", PDF_FLATE }, { "LZWDecode", "LZW", PDF_LZW }, { "ASCII85Decode", "A85", PDF_ASCII85 },
	{ "ASCIIHexDecode", "AHx", PDF_HEX }, { "RunLengthDecode", "RL", PDF_RUN_LENGTH },
};

#define ABSURD (1 << 24)		/* for any parameter of a filter */

static unsigned parameter(struct pdf_file *f, struct span value, unsigned fallback)
{
	int64_t n;
	if (value.n == 0 || !resolve_integer(f, value, &n))
		return fallback;
	return n >= 0 && n < ABSURD ? (unsigned)n : ABSURD;
}

/* A value, or the last object that it refers to. */
static struct span resolve(struct pdf_file *f, struct span value)
{
	uint32_t number, generation;
	size_t count;
	if (!pdf_reference(value, &number, &generation))
		return value;
	struct pdf_object *o = pdf_file_find(f, number, &count);
	return count > 0 ? pdf_file_body(f, &o[count - 1]) : value;
}

static void add_filter(struct pdf_file *f, struct span name, struct span parameters, struct pdf_filters *out)
{
	struct pdf_dict d;
	size_t end;
	for (size_t i = 0; i < sizeof filter_names / sizeof *filter_names; i++) {
		if (!pdf_is_name(name, filter_names[i].name) && !pdf_is_name(name, filter_names[i].brief))
			continue;
		if (out->count == PDF_FILTERS_MAX)
			break;
		if (!pdf_read_dict(resolve(f, parameters), &d, &end))
			memset(&d, 0, sizeof d);
		out->each[out->count++] = (struct pdf_filter){
			.kind = filter_names[i].kind, .predictor = parameter(f, d.value[PDF_Predictor], 1), .colors = parameter(f, d.value[PDF_Colors], 1),
			.bits = parameter(f, d.value[PDF_BitsPerComponent], 8), .columns = parameter(f, d.value[PDF_Columns], 1),
			.late_change = parameter(f, d.value[PDF_EarlyChange], 1) == 0,
		};
		return;
	}
	out->unknown = true;
}

/* Crypt as the first filter names the method for this one stream. */
static void read_filters(struct pdf_file *f, const struct pdf_dict *d, struct pdf_filters *out, bool *identity)
{
	struct span names = resolve(f, d->value[PDF_Filter]), name;
	struct span parameters = resolve(f, d->value[PDF_DecodeParms]);
	struct pdf_dict p;
	size_t end;
	*out = (struct pdf_filters){ 0 };
	*identity = false;
	for (unsigned i = 0; d->value[PDF_Filter].n > 0 && (name = pdf_nth(names, i)).n > 0; i++) {
		if (i > PDF_FILTERS_MAX) {
			out->unknown = true;
			return;
		}
		if (pdf_is_name(name, "Crypt"))
			*identity = !pdf_read_dict(pdf_nth(parameters, i), &p, &end) || p.value[PDF_Name].n == 0 || pdf_is_name(p.value[PDF_Name], "Identity");
		else
			add_filter(f, name, pdf_nth(parameters, i), out);
	}
}

static enum pdf_filtered read_decrypted(struct pdf_file *f, const struct pdf_object *o, struct span raw, enum pdf_method method, const struct pdf_filters *filters,
	struct pdf_sink sink)
{
	uint8_t *plain = malloc(raw.n + 1);
	size_t n = plain ? pdf_decrypt(&f->crypt, method, o->number, o->generation, raw, plain) : SIZE_MAX;
	enum pdf_filtered r = n == SIZE_MAX ? PDF_DAMAGED : pdf_filter((struct span){ plain, n }, filters, sink);
	free(plain);
	return r;
}

enum pdf_filtered pdf_file_read(struct pdf_file *f, const struct pdf_object *o, const struct pdf_dict *d, struct span raw, bool embedded, struct pdf_sink sink)
{
	struct pdf_filters filters;
	bool identity;
	enum pdf_method method = embedded ? f->crypt.files : f->crypt.streams;
	read_filters(f, d, &filters, &identity);
	if (!f->encrypted || identity || method == PDF_PLAIN)
		return pdf_filter(raw, &filters, sink);
	if (!f->open)
		return PDF_DAMAGED;
	return read_decrypted(f, o, raw, method, &filters, sink);
}

struct span pdf_file_string(struct pdf_file *f, const struct pdf_object *o, struct span value)
{
	struct span s = pdf_string(f->call, value);
	if (!f->open || o->packed || s.n == 0 || f->crypt.strings == PDF_PLAIN)
		return s;
	uint8_t *plain = postern_alloc(f->call, s.n + 1);
	size_t n = pdf_decrypt(&f->crypt, f->crypt.strings, o->number, o->generation, s, plain);
	return (struct span){ plain, n == SIZE_MAX ? 0 : n };
}

/* --- object streams --- */

struct gather { struct pdf_file *file; struct unpacked *into; size_t room; };

static bool gather_bytes(void *context, const uint8_t *data, size_t n)
{
	struct gather *g = context;
	if (g->file->unpacked_bytes + n > UNPACKED_MAX_BYTES || !postern_may_go_on(g->file->call)) {
		g->file->limit = true;
		return false;
	}
	if (!g->into || g->into->n + n > g->room) {
		size_t room = g->room * 2 + n + 4096;
		struct unpacked *more = realloc(g->into, sizeof *more + room);
		if (!more)
			return false;
		if (!g->into)
			more->n = 0;
		g->into = more;
		g->room = room;
	}
	memcpy(g->into->bytes + g->into->n, data, n);
	g->into->n += n;
	g->file->unpacked_bytes += n;
	return true;
}

/* A number of digits at *at, which is then behind it; false: something else stands there. */
static bool take_number(struct span s, size_t *at, int64_t *out)
{
	size_t from = *at = pdf_skip_space(s, *at);
	if (!pdf_integer(span_from(s, from), out) || *out < 0)
		return false;
	while (*at < s.n && s.at[*at] >= '0' && s.at[*at] <= '9')
		++*at;
	return *at > from;
}

/* In front stand pairs of numbers and offsets. Whatever is wrong with them, and with how many there are, other objects are not lost for it. */
static void add_packed(struct pdf_file *f, struct span s, const struct pdf_dict *d)
{
	int64_t count = 0, first = 0;
	resolve_integer(f, d->value[PDF_N], &count);
	resolve_integer(f, d->value[PDF_First], &first);
	size_t at = 0;
	for (int64_t i = 0; i < count && first > 0; i++) {
		int64_t number, offset;
		if (!take_number(s, &at, &number) || !take_number(s, &at, &offset) || number > UINT32_MAX || (uint64_t)(first + offset) >= s.n)
			break;
		if (!add_object(f, (struct pdf_object){ .number = (uint32_t)number, .body = span_from(s, (size_t)(first + offset)), .packed = true }))
			break;
	}
}

/* Viewers are led here by the table of objects and do not ask for the type. */
static bool holds_objects(const struct pdf_dict *d)
{
	return pdf_is_name(d->value[PDF_Type], "ObjStm") || (d->value[PDF_N].n > 0 && d->value[PDF_First].n > 0);
}

static void unpack_objects(struct pdf_file *f, const struct pdf_object *o)
{
	struct pdf_dict d;
	struct span raw;
	struct gather g = { .file = f };
	if (!pdf_file_stream(f, o, &d, &raw) || !holds_objects(&d))
		return;
	enum pdf_filtered r = pdf_file_read(f, o, &d, raw, false, (struct pdf_sink){ gather_bytes, &g });
	f->damaged |= r == PDF_DAMAGED && !(f->encrypted && !f->open);
	f->limit |= r == PDF_STOPPED;
	if (!g.into)
		return;
	g.into->next = f->unpacked;
	f->unpacked = g.into;
	add_packed(f, (struct span){ g.into->bytes, g.into->n }, &d);
}

static void unpack_all(struct pdf_file *f)
{
	size_t count = f->count;	/* what is unpacked comes behind */
	for (size_t i = 0; i < count && !f->limit; i++) {
		struct pdf_object o = f->objects[i];
		if (i % 64 == 63 && !postern_may_go_on(f->call))
			return;
		unpack_objects(f, &o);
	}
}

/* --- encryption --- */

static void read_encryption(struct pdf_file *f, const struct pdf_dict *trailer)
{
	struct pdf_dict d;
	struct pdf_crypt other;
	size_t end;
	struct span id = pdf_string(f->call, span_sub(pdf_nth(resolve(f, trailer->value[PDF_ID]), 0), 0, ID_MAX_BYTES));
	bool known = pdf_read_dict(resolve(f, trailer->value[PDF_Encrypt]), &d, &end) && pdf_crypt_read(f->call, &d, id, &other);
	if (f->open) {
		f->ambiguous |= !known || other.user.n != f->crypt.user.n || memcmp(other.user.at, f->crypt.user.at, other.user.n) != 0;
		return;
	}
	f->encrypted = true;
	f->crypt.revision = 0;
	if (known) {
		f->crypt = other;
		f->open = pdf_crypt_try(&f->crypt, "");
	}
}

/* The first that a key is found for counts; a trailer that names a catalog and no key is another reading of the file. */
static void look_at_trailer(struct pdf_file *f, const struct pdf_dict *d, bool *plain)
{
	if (d->value[PDF_Encrypt].n > 0)
		read_encryption(f, d);
	else
		*plain |= d->value[PDF_Root].n > 0;
}

/* Trailers, and the dictionaries of cross-reference streams. */
static void find_encryption(struct pdf_file *f)
{
	struct pdf_dict d;
	size_t end;
	bool plain = false;
	for (size_t at = 0; (at = span_find(f->data, at, "trailer", 7)) != SIZE_MAX && postern_may_go_on(f->call); at += 7)
		if (pdf_read_dict(span_from(f->data, at + 7), &d, &end))
			look_at_trailer(f, &d, &plain);
	for (size_t i = 0; i < f->count && postern_may_go_on(f->call); i++)
		if (read_dict(f, &f->objects[i], &d, &end) && pdf_is_name(d.value[PDF_Type], "XRef"))
			look_at_trailer(f, &d, &plain);
	f->ambiguous |= f->encrypted && plain;
}

static void try_passwords(struct pdf_file *f, const char *(*password)(struct postern_call *call, size_t i))
{
	const char *word;
	for (size_t i = 0; f->crypt.revision > 0 && !f->open && postern_may_go_on(f->call) && (word = password(f->call, i)); i++)
		f->open = pdf_crypt_try(&f->crypt, word);
	if (f->open)
		postern_part_attribute(f->call, 'K');
}

void pdf_file_open(struct pdf_file *f, struct postern_call *call, struct span data, const char *(*password)(struct postern_call *call, size_t i))
{
	*f = (struct pdf_file){ .call = call, .data = data };
	find_objects(f);
	if (f->count > 0)
		qsort(f->objects, f->count, sizeof *f->objects, by_number);
	find_encryption(f);
	if (f->encrypted && !f->open)
		try_passwords(f, password);
	unpack_all(f);
	if (f->count > 0)
		qsort(f->objects, f->count, sizeof *f->objects, by_number);
}

void pdf_file_close(struct pdf_file *f)
{
	for (struct unpacked *u; (u = f->unpacked);) {
		f->unpacked = u->next;
		free(u);
	}
	free(f->objects);
}
