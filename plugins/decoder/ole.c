/* ole.c - OLE 2 compound files: Office documents before 2007, Outlook messages, installers, and what newer documents embed.
 *
 * Every stream becomes a child, but for those that something here knows better:
 * macros are unpacked, files that were dropped into a document come out as such,
 * a message gives its texts and attachments.  The reader is our own (cfb.c),
 * bounded by the part's size; ole.md says why no library. */
#include <postern/plugin.h>

#include "cfb.h"
#include "crypto.h"
#include "msg.h"
#include "office.h"
#include "office_crypt.h"
#include "ole1.h"
#include "vba.h"

struct ole_job {
	struct cfb cfb;
	struct postern_call *call;
	struct office_facts facts;
};

/* --- names --- */

/* Installers pack two characters of a small alphabet into one of the ideographs; one more stands before tables. */
#define MSI_FIRST 0x3800
#define MSI_SINGLE 0x4800
#define MSI_TABLE 0x4840

static char *msi_name(struct postern_call *call, struct span name)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
	char *text = postern_alloc(call, name.n + 1);
	size_t n = 0;
	for (size_t i = 0; i + 1 < name.n; i += 2) {
		uint16_t c = span_16(name, i);
		if (c == MSI_TABLE) {
			text[n++] = '!';
		} else if (c >= MSI_FIRST && c < MSI_TABLE) {
			text[n++] = alphabet[(c - MSI_FIRST) & 0x3f];
			if (c < MSI_SINGLE)
				text[n++] = alphabet[(c - MSI_FIRST) >> 6 & 0x3f];
		} else {
			text[n++] = c < 0x80 ? (char)c : '?';
		}
	}
	return text;
}

static bool is_msi_name(struct span name)
{
	bool packed = name.n > 0;
	for (size_t i = 0; i + 1 < name.n && packed; i += 2)
		packed = span_16(name, i) < 0x80 || (span_16(name, i) >= MSI_FIRST && span_16(name, i) <= MSI_TABLE);
	return packed && (span_8(name, 1) >= MSI_FIRST >> 8 || span_8(name, 3) >= MSI_FIRST >> 8);
}

static char *one_name(struct postern_call *call, struct span name)
{
	return is_msi_name(name) ? msi_name(call, name) : span_utf16(call, name);
}

/* --- streams that are known --- */

/* false: it is not what its name says, an ordinary stream. */
static bool put_native(struct ole_job *j, struct span s, bool *over)
{
	struct ole1_package package;
	struct span native = span_sub(s, 4, span_32(s, 0));
	if (!ole1_read_package(j->call, native, &package) && !ole1_read_package(j->call, s, &package))
		return false;
	*over |= !ole1_put_package(j->call, &package);
	return true;
}

static void put_summary(struct ole_job *j, struct span s, bool *over)
{
	const char *text = office_summary(j->call, s);
	if (text)
		*over |= !child_put(j->call, "summary.txt", (struct span){ (const uint8_t *)text, strlen(text) });
}

/* true: it is open now. */
static bool note_unlocked(struct ole_job *j, enum office_unlocked r, bool *over)
{
	j->facts.encrypted |= r == OFFICE_LOCKED;
	*over |= r == OFFICE_OVER;
	if (r == OFFICE_OPENED_BY_WORD)
		postern_part_attribute(j->call, 'K');
	return r == OFFICE_OPENED || r == OFFICE_OPENED_BY_WORD;
}

static void look_at_workbook(struct ole_job *j, struct span s, bool *over)
{
	struct office_facts locked = { 0 };
	office_look_at_workbook(j->call, s, &locked);
	if (!locked.encrypted || note_unlocked(j, office_unlock_workbook(j->call, (uint8_t *)(uintptr_t)s.at, s.n), over))
		office_look_at_workbook(j->call, s, &j->facts);
}

/* The package of a newer document: what it is locked with stands beside it. */
static bool put_package(struct ole_job *j, uint32_t entry, struct span package, bool *over)
{
	struct cfb *c = &j->cfb;
	uint32_t above = c->entries[entry].parent, beside = above == CFB_NONE ? CFB_NONE : cfb_find(c, above, "EncryptionInfo");
	struct span info;
	if (beside == CFB_NONE || cfb_read(c, beside, &info) != 0) {
		j->facts.encrypted = true;
		return false;
	}
	bool opened = note_unlocked(j, office_put_package(j->call, info, package), over);
	cfb_free(&info);
	return opened;
}

/* true: the stream is told of. */
static bool put_known(struct ole_job *j, uint32_t entry, struct span s, bool *over)
{
	const struct cfb *c = &j->cfb;
	if (cfb_named(c, entry, "\1Ole10Native"))
		return put_native(j, s, over);
	if (cfb_named(c, entry, "WordDocument"))
		office_look_at_word(s, &j->facts);
	else if (cfb_named(c, entry, "Workbook") || cfb_named(c, entry, "Book"))
		look_at_workbook(j, s, over);
	else if (cfb_named(c, entry, "Current User"))
		office_look_at_user(s, &j->facts);
	else if (cfb_named(c, entry, "PowerPoint Document"))
		*over |= !office_put_slides(j->call, s, &j->facts);
	else if (cfb_named(c, entry, "\5SummaryInformation"))
		put_summary(j, s, over);
	else if (cfb_named(c, entry, "EncryptedPackage"))
		return put_package(j, entry, s, over);
	else if (cfb_named(c, entry, "\11DRMContent"))
		j->facts.encrypted = true;
	return false;
}

/* --- all of it --- */

static bool put_stream(struct ole_job *j, uint32_t entry)
{
	struct cfb *c = &j->cfb;
	struct span s;
	bool over = false, cut_before = c->cut;
	if (c->entries[entry].size == 0)
		return true;
	c->cut = false;
	if (cfb_read(c, entry, &s) != 0)
		return false;
	if (!put_known(j, entry, s, &over) && !over) {
		over = !postern_child_begin(j->call, cfb_path(c, entry, one_name));
		if (c->cut)
			postern_child_attribute(j->call, 'U');
		over = over || (s.n > 0 && !postern_child_write(j->call, s.at, s.n)) || !postern_child_end(j->call);
	}
	c->cut |= cut_before;
	cfb_free(&s);
	return !over;
}

static bool put_storage(struct ole_job *j, uint32_t entry)
{
	struct cfb *c = &j->cfb;
	if (msg_is_message(c, entry) && !msg_put_message(c, entry))
		return false;
	return !vba_is_project(c, entry) || vba_put_project(c, entry) == 0;
}

static bool is_told_elsewhere(const struct cfb *c, uint32_t entry)
{
	uint32_t above = c->entries[entry].parent;
	if (above == CFB_NONE)
		return false;
	return msg_owns(c, entry) || (vba_is_module(c, entry) && vba_is_project(c, above));
}

static bool put_all(struct ole_job *j)
{
	struct cfb *c = &j->cfb;
	bool good = true;
	for (uint32_t i = 0; i < c->count && good; i++) {
		enum cfb_kind kind = c->entries[i].kind;
		if (i == 0 || (kind == CFB_STORAGE && c->entries[i].parent != CFB_NONE))
			good = put_storage(j, i);
		else if (kind == CFB_STREAM && !is_told_elsewhere(c, i))
			good = put_stream(j, i);
		good = good && postern_may_go_on(j->call);
	}
	return good;
}

static enum postern_result conclude(struct ole_job *j, bool good)
{
	if (j->facts.encrypted)
		postern_part_attribute(j->call, 'C');
	if (j->facts.macros)
		postern_part_attribute(j->call, 'M');
	if (j->facts.runs)
		postern_part_attribute(j->call, 'X');
	if (!good)
		return POSTERN_LIMIT;
	return j->cfb.cut ? postern_fail(j->call, POSTERN_BROKEN, "a stream ends before it should") : POSTERN_OK;
}

static enum postern_result open_active_mime(struct postern_call *call, struct span data)
{
	int r = office_put_active_mime(call, data);
	return r == 1 ? POSTERN_OK : r == 0 ? POSTERN_LIMIT : postern_fail(call, POSTERN_BROKEN, "nothing packed is in it");
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct ole_job j = { .call = call };
	struct span data;
	data.at = postern_part_data(call, part, &data.n);
	if (!data.at)
		return POSTERN_TEMPFAIL;
	postern_part_keep(call);
	if (span_at(data, 0, "ActiveMime", 10))
		return open_active_mime(call, data);
	int opened = cfb_open(&j.cfb, call, data);
	enum postern_result result = opened == 0 ? conclude(&j, put_all(&j))
		: opened == -1 ? postern_fail(call, POSTERN_BROKEN, "not a compound file, or its directory is gone")
		: postern_fail(call, POSTERN_LIMIT, "it wants more memory than there is");
	cfb_close(&j.cfb);
	return result;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "cdf-ms|msi|msg|mso", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "ole", .version = "1", .doc = "Opens OLE 2 files: old Office documents, Outlook messages, installers, macros.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .load = crypto_load, .decoder = &decoder_ops,
};
