/* header.c - finds the fields of a mail's header in one pass; see header.h.
 *
 * The bytes are hostile.  Every byte is looked at a bounded number of times,
 * lengths are checked before use, and nothing is judged here: odd lines are
 * kept as fields without a name for the bad-header tests. */
#include "config.h"
#include "mail/header.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#define BLOCK_BYTES 65536
#define NAME_LENGTH_MAX 998	/* RFC 5322 2.1.1: no line may be longer, so no name either */

struct walk {
	const char *data;
	size_t n;
	bool complete;		/* no mail bytes follow data[n-1] */
	unsigned allocated;
	void *owner;
	struct header *out;
};

/* A field name is printable ASCII but the colon (RFC 5322 2.2); blanks before the colon are the obsolete syntax (4.5.3). */
static size_t name_length(const char *line, size_t n)
{
	size_t i = 0;
	while (i < n && i < NAME_LENGTH_MAX && line[i] > ' ' && line[i] < 0x7f && line[i] != ':')
		i++;
	size_t colon = i;
	while (colon < n && (line[colon] == ' ' || line[colon] == '\t'))
		colon++;
	return colon < n && line[colon] == ':' ? i : 0;
}

static void set_name(struct header_field *f, const char *line, size_t n)
{
	size_t length = name_length(line, n);
	f->name_length = (uint16_t)length;
	if (length >= sizeof f->name)
		length = sizeof f->name - 1;
	for (size_t i = 0; i < length; i++) {
		char c = line[i];
		f->name[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	f->name[length] = '\0';
}

static struct header_field *add_field(struct walk *w)
{
	struct header *h = w->out;
	if (h->count == w->allocated) {
		unsigned more = w->allocated ? w->allocated * 2 : 32;
		struct header_field *fields = talloc_realloc(w->owner, h->fields, struct header_field, more);
		if (!fields)
			return NULL;
		h->fields = fields;
		w->allocated = more;
	}
	struct header_field *f = &h->fields[h->count++];
	memset(f, 0, sizeof *f);
	return f;
}

static bool line_is_empty(const char *line, size_t n)
{
	return (n == 1 && line[0] == '\n') || (n == 2 && line[0] == '\r' && line[1] == '\n');
}

/* A blank first line begins no field and continues none. */
static bool continues(const struct header *h, const char *line)
{
	return h->count > 0 && (line[0] == ' ' || line[0] == '\t');
}

static void end_at(struct header *h, size_t length, size_t body_offset, bool truncated)
{
	h->length = length;
	h->body_offset = body_offset;
	h->truncated = truncated;
}

/* Take the line at `at`. false: the header has ended there. */
static bool take_line(struct walk *w, size_t at, size_t n)
{
	struct header *h = w->out;
	const char *line = w->data + at;
	if (line_is_empty(line, n)) {
		end_at(h, at, at + n, false);
		return false;
	}
	if (continues(h, line)) {
		h->fields[h->count - 1].length += (uint32_t)n;
		return true;
	}
	struct header_field *f = h->count < HEADER_MAX_FIELDS ? add_field(w) : NULL;
	if (!f) {
		end_at(h, at, at, true);
		return false;
	}
	f->offset = at;
	f->length = (uint32_t)n;
	set_name(f, line, n);
	return true;
}

static void walk_lines(struct walk *w)
{
	size_t at = 0;
	while (at < w->n) {
		const char *newline = memchr(w->data + at, '\n', w->n - at);
		size_t n = newline ? (size_t)(newline - (w->data + at)) + 1 : w->n - at;
		if (!newline && !w->complete) {
			/* The limit of bytes fell into this line: its beginning still tells what field it is. */
			if (take_line(w, at, n))
				end_at(w->out, w->n, w->n, true);
			return;
		}
		if (!take_line(w, at, n))
			return;
		at += n;
	}
	end_at(w->out, w->n, w->n, !w->complete);
}

/* Data longer than the limit is walked up to it only. */
static void parse(const char *data, size_t n, bool complete, void *owner, struct header *out)
{
	struct walk w = { .data = data, .n = n, .complete = complete, .owner = owner, .out = out };
	if (n > HEADER_MAX_BYTES) {
		w.n = HEADER_MAX_BYTES;
		w.complete = false;
	}
	walk_lines(&w);
}

void header_parse(const char *data, size_t n, bool complete, void *owner, struct header *out)
{
	memset(out, 0, sizeof *out);
	parse(data, n, complete, owner, out);
	char *text = talloc_array(owner, char, out->length + 1);
	if (!text) {
		memset(out, 0, sizeof *out);
		out->truncated = true;
		out->text = "";
		return;
	}
	if (out->length > 0)
		memcpy(text, data, out->length);
	text[out->length] = '\0';
	out->text = text;
}

/* Looks for the empty line as blocks come in, so that a long body is not read. */
struct reading {
	char *data;
	size_t n, allocated;
	size_t line_start;	/* of the line that is not complete yet */
	size_t seen;		/* before here is no newline that was not looked at */
};

static bool header_ends(struct reading *r)
{
	const char *newline;
	while ((newline = memchr(r->data + r->seen, '\n', r->n - r->seen))) {
		size_t next = (size_t)(newline - r->data) + 1;
		if (line_is_empty(r->data + r->line_start, next - r->line_start))
			return true;
		r->line_start = r->seen = next;
	}
	r->seen = r->n;
	return false;
}

static bool make_room(struct reading *r, void *owner)
{
	if (r->allocated - r->n >= BLOCK_BYTES + 1)
		return true;
	size_t more = r->allocated ? r->allocated * 2 : 2 * BLOCK_BYTES;
	char *data = talloc_realloc(owner, r->data, char, more);
	if (!data) {
		errno = ENOMEM;
		return false;
	}
	r->data = data;
	r->allocated = more;
	return true;
}

/* Append one block. Its length, 0 at the end, -1 on error. */
static ssize_t read_block(int fd, uint64_t size, struct reading *r)
{
	uint64_t left = size - r->n;
	size_t want = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
	ssize_t got;
	do
		got = pread(fd, r->data + r->n, want, (off_t)r->n);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		r->n += (size_t)got;
	return got;
}

int header_read(int fd, uint64_t size, void *owner, struct header *out)
{
	struct reading r = { 0 };
	memset(out, 0, sizeof *out);
	/* One byte more than the limit tells a header that just fits from one that goes on. */
	do {
		ssize_t got = make_room(&r, owner) ? read_block(fd, size, &r) : -1;
		if (got < 0) {
			int errnum = errno;
			talloc_free(r.data);
			errno = errnum;
			return -1;
		}
		if (got == 0)
			break;
	} while (!header_ends(&r) && r.n < size && r.n <= HEADER_MAX_BYTES);
	parse(r.data, r.n, true, owner, out);
	r.data[out->length] = '\0';
	char *fit = talloc_realloc(owner, r.data, char, out->length + 1);
	out->text = fit ? fit : r.data;
	return 0;
}

/* The stored name is cut: the length tells a long name from its beginning. */
static bool is_named(const struct header_field *f, const char *name, size_t n)
{
	return f->name_length == n && n > 0 && strcmp(f->name, name) == 0;
}

const struct header_field *header_find(const struct header *h, const char *name)
{
	size_t n = strlen(name);
	for (unsigned i = 0; i < h->count; i++) {
		if (is_named(&h->fields[i], name, n))
			return &h->fields[i];
	}
	return NULL;
}

unsigned header_count(const struct header *h, const char *name)
{
	size_t n = strlen(name);
	unsigned count = 0;
	for (unsigned i = 0; i < h->count; i++)
		count += is_named(&h->fields[i], name, n);
	return count;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Unfolding removes line ends only (RFC 5322 2.2.3). A NUL would end the string: it becomes a blank. */
static void copy_unfolded(char *to, const char *from, size_t n)
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		if (from[i] == '\n' || (from[i] == '\r' && i + 1 < n && from[i + 1] == '\n'))
			continue;
		to[used++] = from[i] ? from[i] : ' ';
	}
	to[used] = '\0';
}

char *header_value(const struct header *h, const struct header_field *f, void *owner)
{
	const char *body = h->text + f->offset, *end = body + f->length;
	if (f->name_length > 0) {
		const char *colon = memchr(body + f->name_length, ':', f->length - f->name_length);
		body = colon ? colon + 1 : end;
	}
	while (body < end && is_blank(*body))
		body++;
	while (end > body && is_blank(end[-1]))
		end--;
	char *value = talloc_array(owner, char, (size_t)(end - body) + 1);
	if (value)
		copy_unfolded(value, body, (size_t)(end - body));
	return value;
}
