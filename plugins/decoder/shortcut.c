/* shortcut.c - Windows shortcuts (MS-SHLLINK): where one leads and with what, as text, and what was put behind its end. */
#include <postern/plugin.h>

#include "span.h"

#define HEADER_BYTES 0x4c
#define FLAGS 0x14

enum flag { HAS_TARGET = 0x1, HAS_INFO = 0x2, HAS_NAME = 0x4, HAS_RELATIVE = 0x8, HAS_FOLDER = 0x10, HAS_ARGUMENTS = 0x20, HAS_ICON = 0x40, UNICODE = 0x80 };

/* The path that the shortcut was made for, from the second structure. */
static const char *base_path(struct postern_call *call, struct span info)
{
	uint32_t at = span_32(info, 16);
	return span_32(info, 8) & 1 && at > 0 ? span_text(call, span_from(info, at)) : NULL;
}

/* Strings that are counted, each there if its flag is. */
static const char *read_strings(struct postern_call *call, struct span s, size_t *at, const char *text)
{
	static const struct { uint32_t flag; const char *label; } strings[] = {
		{ HAS_NAME, "name" }, { HAS_RELATIVE, "path" }, { HAS_FOLDER, "folder" }, { HAS_ARGUMENTS, "arguments" }, { HAS_ICON, "icon" },
	};
	uint32_t flags = span_32(s, FLAGS);
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		if (!(flags & strings[i].flag))
			continue;
		size_t bytes = (size_t)span_16(s, *at) * (flags & UNICODE ? 2 : 1);
		struct span string = span_sub(s, *at + 2, bytes);
		text = postern_printf(call, "%s%s: %s\n", text, strings[i].label, flags & UNICODE ? span_utf16(call, string) : span_text(call, string));
		*at += 2 + bytes;
	}
	return text;
}

/* Blocks with their size in front, up to one smaller than its own size field. */
static size_t skip_blocks(struct span s, size_t at)
{
	uint32_t size;
	while ((size = span_32(s, at)) >= 4 && at < s.n)
		at += size;
	return at + 4;
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct span s;
	s.at = postern_part_data(call, part, &s.n);
	if (!s.at)
		return POSTERN_TEMPFAIL;
	if (span_32(s, 0) != HEADER_BYTES)
		return POSTERN_NOTHING;
	postern_part_keep(call);
	size_t at = HEADER_BYTES;
	uint32_t flags = span_32(s, FLAGS);
	if (flags & HAS_TARGET)
		at += 2 + (size_t)span_16(s, at);
	const char *target = flags & HAS_INFO ? base_path(call, span_sub(s, at, span_32(s, at))) : NULL;
	if (flags & HAS_INFO)
		at += span_32(s, at);
	const char *text = read_strings(call, s, &at, target ? postern_printf(call, "target: %s\n", target) : "");
	if (!child_put(call, "shortcut.txt", (struct span){ (const uint8_t *)text, strlen(text) }))
		return POSTERN_LIMIT;
	struct span behind = span_from(s, skip_blocks(s, at));
	return behind.n == 0 || child_put(call, NULL, behind) ? POSTERN_OK : POSTERN_LIMIT;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "lnk", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "shortcut", .version = "1", .doc = "Opens Windows shortcuts: where they lead, what is behind their end.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
