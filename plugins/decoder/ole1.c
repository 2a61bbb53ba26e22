/* ole1.c - see ole1.h. */
#include "ole1.h"

#include <strings.h>

#include "cfb.h"

#define NAME_MAX_BYTES 1024

enum ole1_format { OLE1_LINKED = 1, OLE1_EMBEDDED = 2 };

/* --- packages --- */

static void add_name(struct ole1_package *p, char *name)
{
	for (unsigned i = 0; i < p->name_count; i++)
		if (strcmp(p->names[i], name) == 0)
			return;
	if (name[0] && p->name_count < sizeof p->names / sizeof *p->names)
		p->names[p->name_count++] = name;
}

/* A string with its NUL; false: there is none. */
static bool take_string(struct postern_call *call, struct span *s, struct ole1_package *p)
{
	size_t end = span_find(*s, 0, "", 1);
	if (end > NAME_MAX_BYTES)
		return false;
	add_name(p, span_text(call, span_sub(*s, 0, end)));
	*s = span_from(*s, end + 1);
	return true;
}

/* Behind the content its three names may follow once more, in Unicode. */
static void take_wide_names(struct postern_call *call, struct span s, struct ole1_package *p)
{
	for (int i = 0; i < 3; i++) {
		size_t bytes = (size_t)span_32(s, 0) * 2;
		if (bytes >= 2 * NAME_MAX_BYTES || !span_has(s, 4, bytes))
			return;
		add_name(p, span_utf16(call, span_sub(s, 4, bytes)));
		s = span_from(s, 4 + bytes);
	}
}

bool ole1_read_package(struct postern_call *call, struct span s, struct ole1_package *p)
{
	*p = (struct ole1_package){ 0 };
	if (span_16(s, 0) != 2)
		return false;
	struct span at = span_from(s, 2);
	if (!take_string(call, &at, p) || !take_string(call, &at, p) || !span_has(at, 0, 8))
		return false;
	uint32_t temporary = span_32(at, 4);
	at = span_from(at, 8);
	if (temporary > NAME_MAX_BYTES || !span_has(at, temporary, 4))
		return false;
	add_name(p, span_text(call, span_sub(at, 0, temporary)));
	uint32_t size = span_32(at, temporary);
	p->content = span_sub(at, (size_t)temporary + 4, size);
	p->cut = p->content.n < size;
	take_wide_names(call, span_from(at, (size_t)temporary + 4 + size), p);
	return true;
}

bool ole1_put_package(struct postern_call *call, const struct ole1_package *p)
{
	if (!postern_child_begin(call, p->name_count > 0 ? p->names[0] : NULL))
		return false;
	for (unsigned i = 1; i < p->name_count; i++)
		postern_child_name(call, p->names[i]);
	if (p->cut)
		postern_child_attribute(call, 'U');
	return (p->content.n == 0 || postern_child_write(call, p->content.at, p->content.n)) && postern_child_end(call);
}

/* --- objects --- */

static bool take_counted(struct span *s, struct span *text)
{
	uint32_t length = span_32(*s, 0);
	if (!span_has(*s, 4, length))
		return false;
	*text = span_sub(*s, 4, length);
	*s = span_from(*s, 4 + (size_t)length);
	return true;
}

/* Whatever is wrong in front of it, a compound file is found. */
static bool put_compound(struct postern_call *call, struct span s, const char *name, bool *good)
{
	size_t at = span_find(s, 0, CFB_MAGIC, 8);
	if (at != SIZE_MAX)
		*good = child_put(call, name, span_from(s, at));
	return at != SIZE_MAX;
}

/* Its header makes no sense, or leads beyond its end. */
static bool put_broken(struct postern_call *call, struct span s)
{
	bool good = true;
	if (put_compound(call, s, NULL, &good))
		return good;
	if (!postern_child_begin(call, NULL))
		return false;
	postern_child_attribute(call, 'U');
	return (s.n == 0 || postern_child_write(call, s.at, s.n)) && postern_child_end(call);
}

/* A link holds no content, but tells where it leads. */
static bool put_link(struct postern_call *call, struct span class, struct span topic)
{
	const char *text = postern_printf(call, "%s\n%s\n", span_text(call, class), span_text(call, topic));
	return child_put(call, "link.txt", (struct span){ (const uint8_t *)text, strlen(text) });
}

bool ole1_put_object(struct postern_call *call, struct span s)
{
	struct span class = { s.at, 0 }, topic = class, item = class, at = span_from(s, 8);
	uint32_t format = span_32(s, 4);
	struct ole1_package package;
	bool whole = (format == OLE1_LINKED || format == OLE1_EMBEDDED) && take_counted(&at, &class) && take_counted(&at, &topic)
		&& take_counted(&at, &item);
	bool good = true;
	if (whole && format == OLE1_LINKED)
		return put_link(call, class, topic) && (!put_compound(call, at, NULL, &good) || good);
	if (!whole || !span_has(at, 0, 4))
		return put_broken(call, s);
	uint32_t size = span_32(at, 0);
	struct span content = span_sub(at, 4, size);
	if (ole1_read_package(call, content, &package))
		return ole1_put_package(call, &package);
	if (content.n == 0 && at.n > 4)
		content = span_from(at, 4);
	/* a file that was dropped in, whatever is wrong with its names */
	if (class.n >= 7 && strncasecmp((const char *)class.at, "Package", 7) == 0)
		return put_broken(call, content);
	/* behind it stands a picture of it: a compound file there is what the size is wrong about */
	const char *name = span_text(call, class);
	if (put_compound(call, content, name, &good))
		return good;
	return child_put(call, name, content) && (!put_compound(call, span_from(at, 4 + content.n), name, &good) || good);
}
