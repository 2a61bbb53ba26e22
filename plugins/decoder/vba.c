/* vba.c - see vba.h. Packed sources come in chunks of 4096 bytes, each decoded into the child at once. */
#include "vba.h"

#include <stdlib.h>
#include <strings.h>

#define CHUNK_BYTES 4096
#define DIR_MAX_BYTES (4u * 1024 * 1024)
#define CONTAINER_MARK 1
#define WORD_MAX 40

enum dir_record { DIR_STREAM_NAME = 0x1a, DIR_STREAM_NAME_WIDE = 0x32, DIR_OFFSET = 0x31, DIR_PROJECT_VERSION = 9 };

/* --- unpacking --- */

struct chunk {
	uint8_t bytes[CHUNK_BYTES];
	size_t n;
};

/* A token copies from what is there already; how many of its bits are the length depends on how far that goes back. */
static void copy_token(struct chunk *c, uint16_t token)
{
	unsigned bits = 4;
	while (bits < 12 && (1u << bits) < c->n)
		bits++;
	size_t length = (token & (0xffffu >> bits)) + 3u, back = (token >> (16 - bits)) + 1u;
	for (size_t i = 0; i < length && c->n < CHUNK_BYTES && back <= c->n; i++, c->n++)
		c->bytes[c->n] = c->bytes[c->n - back];
}

static void unpack_tokens(struct span packed, struct chunk *c)
{
	size_t at = 0;
	while (at < packed.n && c->n < CHUNK_BYTES) {
		uint8_t flags = packed.at[at++];
		for (unsigned bit = 0; bit < 8 && at < packed.n && c->n < CHUNK_BYTES; bit++) {
			if (flags >> bit & 1) {
				copy_token(c, span_16(packed, at));
				at += 2;
			} else {
				c->bytes[c->n++] = packed.at[at++];
			}
		}
	}
}

/* One chunk of a container, *at behind it; false: no more. */
static bool read_chunk(struct span packed, size_t *at, struct chunk *c)
{
	if (!span_has(packed, *at, 3))
		return false;
	uint16_t head = span_16(packed, *at);
	size_t size = head & 0xfff;
	if ((head >> 12 & 7) != 3)
		return false;
	struct span body = span_sub(packed, *at + 2, size + 1);
	*at += size + 3;
	c->n = 0;
	if (head & 0x8000) {
		unpack_tokens(body, c);
	} else {
		c->n = body.n < CHUNK_BYTES ? body.n : CHUNK_BYTES;
		memcpy(c->bytes, body.at, c->n);
	}
	return true;
}

/* The next chunk that holds something: one that is empty ends nothing. */
static bool next_chunk(struct span packed, size_t *at, struct chunk *c)
{
	while (read_chunk(packed, at, c))
		if (c->n > 0)
			return true;
	return false;
}

static bool is_container(struct span s)
{
	return span_8(s, 0) == CONTAINER_MARK && (span_16(s, 1) >> 12 & 7) == 3;
}

int vba_unpack(struct span packed, size_t max, struct span *out)
{
	struct chunk c;
	uint8_t *bytes = NULL;
	size_t n = 0, room = 0;
	*out = (struct span){ 0 };
	for (size_t at = 1; is_container(packed) && n < max && next_chunk(packed, &at, &c);) {
		if (n + c.n > room) {
			uint8_t *more = realloc(bytes, room = room * 2 + CHUNK_BYTES);
			if (!more) {
				free(bytes);
				return -1;
			}
			bytes = more;
		}
		memcpy(bytes + n, c.bytes, c.n);
		n += c.n;
	}
	*out = (struct span){ bytes, n < max ? n : max };
	return bytes ? 0 : -1;
}

/* --- sources that run by themselves --- */

static const char *const by_themselves[] = {
	"AutoExec", "AutoOpen", "AutoClose", "AutoExit", "AutoNew", "Auto_Open", "Auto_Close", "Auto_Ope", "Auto_Exec", "Auto_Exit", "AutoOpen_Click",
	"Document_Open", "Document_Close", "Document_New", "Document_BeforeClose", "DocumentOpen", "DocumentBeforeClose", "DocumentChange",
	"Document_BeforeSave", "App_DocumentOpen", "App_DocumentChange", "Document_ContentControlOnEnter",
	"Workbook_Open", "Workbook_Activate", "Workbook_BeforeClose", "Workbook_Close", "Workbook_Deactivate", "Workbook_SheetActivate",
	"Worksheet_Activate", "Worksheet_Calculate", "Auto_Activate", "Auto_Deactivate", "OnSlideShowPageChange", "OnSlideShowTerminate", "SlideShow_Begin",
	"Application_Startup", "Application_MAPILogonComplete", "App_PresentationOpen", "App_SlideShowBegin",
};
/* Events that controls raise as soon as they are seen. */
static const char *const ends_by_themselves[] = {
	"_Painted", "_Painting", "_GotFocus", "_Layout", "_Resize", "_MouseHover", "_MouseMove", "_MouseEnter", "_BeforeNavigate2", "_BeforeScriptExecute",
	"_DocumentComplete", "_DownloadBegin", "_DownloadComplete", "_FileDownload", "_NavigateComplete2", "_NavigateError", "_ProgressChange",
	"_PropertyChange", "_SetSecureLockIcon", "_StatusTextChange", "_TitleChange", "_OnConnecting", "_OnDisconnected", "_OnAuthenticationWarning",
};

/* Looks at words as they come: a procedure is announced by "Sub" or "Function", perhaps with a continued line between. */
struct watch {
	char word[WORD_MAX];
	size_t n;
	bool announced, found;
};

static bool ends_with(const char *word, size_t n, const char *end)
{
	size_t length = strlen(end);
	return n > length && strcasecmp(word + n - length, end) == 0;
}

static bool runs_by_itself(const char *word, size_t n)
{
	for (size_t i = 0; i < sizeof by_themselves / sizeof *by_themselves; i++)
		if (strcasecmp(word, by_themselves[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof ends_by_themselves / sizeof *ends_by_themselves; i++)
		if (ends_with(word, n, ends_by_themselves[i]))
			return true;
	return false;
}

static void end_word(struct watch *w)
{
	if (w->n > 0 && w->n < WORD_MAX) {
		w->word[w->n] = '\0';
		w->found |= w->announced && runs_by_itself(w->word, w->n);
	}
	if (w->n > 0 && !(w->n == 1 && w->word[0] == '_'))
		w->announced = (w->n == 3 && strcasecmp(w->word, "Sub") == 0) || (w->n == 8 && strcasecmp(w->word, "Function") == 0);
	w->n = 0;
}

static void watch_source(struct watch *w, const uint8_t *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = text[i];
		bool part_of_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c >= 0x80;
		if (!part_of_word)
			end_word(w);
		else if (w->n < WORD_MAX)
			w->word[w->n++] = (char)c;
	}
}

/* --- modules --- */

struct module {
	struct span wide;		/* the stream's name, UTF-16 */
	uint32_t offset;		/* of the packed source in the stream */
};

struct project {
	struct span dir;		/* unpacked, malloc'ed */
	struct module *modules;
	size_t count, room;
};

/* Names come first, the offset later; a module ends where the next one's name begins. */
static void take_record(struct project *p, uint16_t id, struct span data)
{
	if (id == DIR_STREAM_NAME_WIDE && p->count < p->room)
		p->modules[p->count++] = (struct module){ .wide = data, .offset = CFB_NONE };
	else if (id == DIR_OFFSET && p->count > 0)
		p->modules[p->count - 1].offset = span_32(data, 0);
}

static void read_dir(struct cfb *c, uint32_t storage, struct project *p)
{
	struct span packed;
	uint32_t dir = cfb_find(c, storage, "dir");
	if (dir == CFB_NONE || cfb_read(c, dir, &packed) != 0)
		return;
	int r = vba_unpack(packed, DIR_MAX_BYTES, &p->dir);
	cfb_free(&packed);
	p->room = r == 0 ? p->dir.n / 6 + 1 : 0;
	p->modules = p->room > 0 ? malloc(p->room * sizeof *p->modules) : NULL;
	if (!p->modules)
		p->room = 0;
	for (size_t at = 0; p->room > 0 && span_has(p->dir, at, 6);) {
		uint16_t id = span_16(p->dir, at);
		uint32_t size = id == DIR_PROJECT_VERSION ? 6 : span_32(p->dir, at + 2);
		take_record(p, id, span_sub(p->dir, at + 6, size));
		at += 6 + (size_t)size;
	}
}

static uint32_t offset_of(const struct project *p, struct span name)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->modules[i].wide.n == name.n && memcmp(p->modules[i].wide.at, name.at, name.n) == 0)
			return p->modules[i].offset;
	return CFB_NONE;
}

/* By the directory; where that leads nowhere, by how each source begins: "Attribut", as packed. */
static struct span find_source(const struct project *p, struct span name, struct span stream)
{
	uint32_t offset = offset_of(p, name);
	if (offset < stream.n && is_container(span_from(stream, offset)))
		return span_from(stream, offset);
	for (size_t at = 3; (at = span_find(stream, at, "\0Attribut", 9)) != SIZE_MAX; at++)
		if (is_container(span_from(stream, at - 3)))
			return span_from(stream, at - 3);
	return (struct span){ stream.at, 0 };
}

/* false: over a limit. */
static bool put_source(struct cfb *c, uint32_t entry, struct span packed, bool *runs)
{
	struct chunk chunk;
	struct watch w = { 0 };
	const char *name = cfb_path(c, entry, span_utf16), *base = strrchr(name, '/');
	bool good = postern_child_begin(c->call, postern_printf(c->call, "%s.bas", name));
	for (size_t at = 1; good && next_chunk(packed, &at, &chunk);) {
		good = postern_child_write(c->call, chunk.bytes, chunk.n);
		watch_source(&w, chunk.bytes, chunk.n);
	}
	end_word(&w);
	base = base ? base + 1 : name;
	bool alone = w.found || runs_by_itself(base, strlen(base));
	postern_child_attribute(c->call, 'M');
	if (alone)
		postern_child_attribute(c->call, 'X');
	*runs |= alone;
	return good && postern_child_end(c->call);
}

static bool is_source_stream(const struct cfb *c, uint32_t entry)
{
	static const uint8_t cache[] = "_\0_\0S\0R\0P\0_";
	return c->entries[entry].kind == CFB_STREAM && !cfb_named(c, entry, "dir") && !cfb_named(c, entry, "_VBA_PROJECT")
		&& !span_at(c->entries[entry].name, 0, cache, 11);
}

static bool put_module(struct cfb *c, const struct project *p, uint32_t entry, bool *runs)
{
	struct span stream;
	if (cfb_read(c, entry, &stream) != 0)
		return false;
	struct span source = find_source(p, c->entries[entry].name, stream);
	bool good = source.n > 0 ? put_source(c, entry, source, runs) : child_put(c->call, cfb_path(c, entry, span_utf16), stream);
	cfb_free(&stream);
	return good;
}

bool vba_is_project(const struct cfb *c, uint32_t storage)
{
	return cfb_find(c, storage, "dir") != CFB_NONE && (cfb_find(c, storage, "_VBA_PROJECT") != CFB_NONE || cfb_named(c, storage, "VBA"));
}

bool vba_is_module(const struct cfb *c, uint32_t stream)
{
	return is_source_stream(c, stream);
}

int vba_put_project(struct cfb *c, uint32_t storage)
{
	struct project p = { 0 };
	bool good = true, runs = false;
	read_dir(c, storage, &p);
	for (uint32_t i = c->entries[storage].child; i != CFB_NONE && good; i = c->entries[i].next)
		if (is_source_stream(c, i))
			good = put_module(c, &p, i, &runs);
	postern_part_attribute(c->call, 'M');
	if (runs)
		postern_part_attribute(c->call, 'X');
	free(p.modules);
	cfb_free(&p.dir);
	return good ? 0 : -1;
}
