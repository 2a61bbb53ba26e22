/* archive.c - archives and compressed files by libarchive: which reader takes which type, and how members become children.
 *
 * Each reader is named: one filter or one format, so that one layer comes off at
 * a time, and none of those of libarchive's filters that start programs.
 * Members go from libarchive's blocks into the child; nothing is written to
 * disk by their names, links and devices are recorded and never made.
 * What is wrong with a member is said of that child, and of the whole by
 * BROKEN, so that another decoder may try. */
#include <postern/plugin.h>

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "embedded.h"
#include "zip_shape.h"

#define HOLE_BYTES 65536
#define RETRIES_MAX 100		/* "try again" answers of libarchive in one archive */
#define DISK_HEADER_AT 32768	/* of a disk image: its size in blocks, and where that is told */
#define DISK_SIZE_AT 80
#define DISK_BLOCK_BYTES 2048
#define EMPTY_BYTES_MAX 512	/* of an archive without members: a trailer of cpio in its block */

/* One way of reading. */
struct archive_kind {
	const char *type;		/* short type */
	int filter;			/* ARCHIVE_FILTER_*: one stream; 0: an archive */
	int (*support)(struct archive *);
	const char *endings;		/* of a stream's file name, each with what replaces it: ".gz|.tgz=.tar" */
};

/* One part in hand. */
struct archive_job {
	struct postern_call *call;
	const struct postern_part *part;
	const unsigned char *data;	/* the archive, from its first byte */
	size_t size;
	const struct archive_kind *kind;
	/* what came of it */
	unsigned members, locked, damaged;
	size_t read;			/* how much of the part it is; 0: that is not known, there may be more to it */
	bool password, locked_whole, over;
	char error[200];		/* libarchive's, of the first that is damaged */
};

/* --- readers --- */

static int with_zip(struct archive *a) { return archive_read_support_format_zip_seekable(a); }
static int with_zip_streamed(struct archive *a) { return archive_read_support_format_zip_streamable(a); }

/* libarchive has one reader for each generation of RAR. */
static int with_rar(struct archive *a)
{
	int old = archive_read_support_format_rar(a), new = archive_read_support_format_rar5(a);
	return old < new ? old : new;
}

static const struct archive_kind kinds[] = {
	{ "gz", ARCHIVE_FILTER_GZIP, archive_read_support_format_raw, ".gz|.tgz=.tar|.svgz=.svg|.z|.taz=.tar" },
	{ "bz2", ARCHIVE_FILTER_BZIP2, archive_read_support_format_raw, ".bz2|.tbz=.tar|.tbz2=.tar|.tb2=.tar|.bz" },
	{ "xz", ARCHIVE_FILTER_XZ, archive_read_support_format_raw, ".xz|.txz=.tar" },
	{ "lzma", ARCHIVE_FILTER_LZMA, archive_read_support_format_raw, ".lzma|.tlz=.tar" },
	{ "lzip", ARCHIVE_FILTER_LZIP, archive_read_support_format_raw, ".lz|.tlz=.tar" },
	{ "lz4", ARCHIVE_FILTER_LZ4, archive_read_support_format_raw, ".lz4|.tlz4=.tar" },
	{ "zst", ARCHIVE_FILTER_ZSTD, archive_read_support_format_raw, ".zst|.tzst=.tar|.tzs=.tar|.zstd" },
	{ "Z", ARCHIVE_FILTER_COMPRESS, archive_read_support_format_raw, ".Z|.taz=.tar|.tZ=.tar" },
	{ "rpm", ARCHIVE_FILTER_RPM, archive_read_support_format_raw, ".rpm=.cpio" },
	{ "zip", 0, with_zip, NULL },
	{ "kmz", 0, with_zip, NULL },
	{ "ooxml", 0, with_zip, NULL },
	{ "odf", 0, with_zip, NULL },
	{ "epub", 0, with_zip, NULL },
	{ "jar", 0, with_zip, NULL },
	{ "7z", 0, archive_read_support_format_7zip, NULL },
	{ "rar", 0, with_rar, NULL },
	{ "tar", 0, archive_read_support_format_tar, NULL },
	{ "cpio", 0, archive_read_support_format_cpio, NULL },
	{ "a", 0, archive_read_support_format_ar, NULL },
	{ "deb", 0, archive_read_support_format_ar, NULL },
	{ "cab", 0, archive_read_support_format_cab, NULL },
	{ "lha", 0, archive_read_support_format_lha, NULL },
	{ "iso", 0, archive_read_support_format_iso9660, NULL },
	{ "xar", 0, archive_read_support_format_xar, NULL },
	{ "warc", 0, archive_read_support_format_warc, NULL },
};
static const struct archive_kind streamed_zip = { "zip", 0, with_zip_streamed, NULL };

static const struct archive_kind *kind_of(const char *type, size_t length)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strlen(kinds[i].type) == length && memcmp(kinds[i].type, type, length) == 0)
			return &kinds[i];
	return NULL;
}

/* The first complaint stays. It may quote the archive: postern_fail() makes that harmless. */
static void complain(struct archive_job *j, struct archive *a)
{
	const char *why = archive_error_string(a);
	if (!j->error[0])
		strncpy(j->error, why ? why : "unknown error", sizeof j->error - 1);
}

/* A filter that is appended comes off once, whatever is below it. That of compress(1) would read before there is anything to read from:
 * it is offered, and takes all layers of its own at once. */
static bool add_filter(struct archive *a, int filter)
{
	if (filter == ARCHIVE_FILTER_COMPRESS)
		return archive_read_support_filter_compress(a) >= ARCHIVE_WARN;
	return filter == 0 || archive_read_append_filter(a, filter) >= ARCHIVE_WARN;
}

static struct archive *open_reader(struct archive_job *j, const char *password)
{
	struct archive *a = archive_read_new();
	if (!a)
		return NULL;
	bool good = j->kind->support(a) >= ARCHIVE_WARN && add_filter(a, j->kind->filter);
	if (good && password)
		good = archive_read_add_passphrase(a, password) == ARCHIVE_OK;
	if (good && archive_read_open_memory(a, j->data, j->size) >= ARCHIVE_WARN && (!j->kind->filter || archive_filter_code(a, 0) == j->kind->filter))
		return a;
	complain(j, a);
	archive_read_free(a);
	return NULL;
}

/* --- members --- */

static bool write_hole(struct archive_job *j, int64_t n)
{
	static const char zeros[HOLE_BYTES];
	bool good = true;
	while (good && n > 0) {
		size_t piece = n < HOLE_BYTES ? (size_t)n : HOLE_BYTES;
		good = postern_child_write(j->call, zeros, piece);
		n -= (int64_t)piece;
	}
	return good;
}

enum outcome { DONE, DAMAGED, OVER };

/* Holes of sparse members are written and charged: what a reader sees is what counts. */
static enum outcome copy_content(struct archive_job *j, struct archive *a)
{
	const void *block;
	size_t n;
	int64_t at = 0, offset;
	enum outcome end = DONE;
	for (;;) {
		int r = archive_read_data_block(a, &block, &n, &offset);
		if (r == ARCHIVE_EOF)
			return end;
		if (r != ARCHIVE_OK) {
			complain(j, a);
			end = DAMAGED;	/* a wrong checksum is but a warning */
		}
		if (r < ARCHIVE_WARN)
			return DAMAGED;
		if (offset > at && !write_hole(j, offset - at))
			return OVER;
		if (n > 0 && !postern_child_write(j->call, block, n))
			return OVER;
		if (n == 0 && !postern_may_go_on(j->call))
			return OVER;
		at = offset + (int64_t)n;
	}
}

/* In a compressed file without a name of its own: the names of the part without their ending. */
static void name_without_ending(struct archive_job *j, const char *name)
{
	size_t length = strlen(name);
	for (const char *e = j->kind->endings; e && *e;) {
		size_t whole = strcspn(e, "|"), from = strcspn(e, "=|");
		if (length > from && strncasecmp(name + length - from, e, from) == 0) {
			const char *to = from < whole ? e + from + 1 : "";
			int to_length = from < whole ? (int)(whole - from - 1) : 0;
			postern_child_name(j->call, postern_printf(j->call, "%.*s%.*s", (int)(length - from), name, to_length, to));
			return;
		}
		e += whole + (e[whole] != '\0');
	}
}

static bool begin_stream_child(struct archive_job *j, struct archive_entry *entry)
{
	const char *own = archive_entry_pathname(entry);
	bool named = own && strcmp(own, "data") != 0;	/* libarchive's word for "no name" */
	if (!postern_child_begin(j->call, named ? own : NULL))
		return false;
	for (size_t i = 0; i < postern_part_name_count(j->part); i++)
		name_without_ending(j, postern_part_name_at(j->part, i));
	return true;
}

static bool begin_child(struct archive_job *j, struct archive_entry *entry)
{
	if (j->kind->filter)
		return begin_stream_child(j, entry);
	const char *name = archive_entry_pathname(entry);
	if (!name)
		name = archive_entry_pathname_utf8(entry);
	return postern_child_begin(j->call, name);
}

/* What is no file has no content. */
static char letter_of(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) || archive_entry_symlink(entry))
		return 'L';
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR: return 'D';
	case AE_IFREG: case 0: return '\0';
	case AE_IFLNK: return 'L';
	default: return 'S';
	}
}

static bool take_member(struct archive_job *j, struct archive *a, struct archive_entry *entry)
{
	bool locked = archive_entry_is_data_encrypted(entry) || archive_entry_is_metadata_encrypted(entry);
	char letter = letter_of(entry);
	if (locked && !j->password)
		j->locked++;
	if (!begin_child(j, entry))
		return false;
	if (letter)
		postern_child_attribute(j->call, letter);
	enum outcome o = DONE;
	if (locked && !j->password)
		postern_child_attribute(j->call, 'C');
	else if (!letter || archive_entry_size(entry) > 0)	/* a hard link may carry content (cpio, pax) */
		o = copy_content(j, a);
	if (o == DAMAGED) {
		postern_child_attribute(j->call, locked ? 'C' : 'U');
		j->damaged++;
	}
	j->members++;
	return postern_child_end(j->call) && o != OVER;
}

/* 1: a header; 0: the end; -1: broken. */
static int next_member(struct archive_job *j, struct archive *a, struct archive_entry **entry)
{
	for (int tries = 0; tries < RETRIES_MAX; tries++) {
		int r = archive_read_next_header(a, entry);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r == ARCHIVE_OK || r == ARCHIVE_WARN)
			return 1;
		complain(j, a);
		if (r != ARCHIVE_RETRY)
			break;
		j->damaged++;
	}
	return -1;
}

/* Behind a member of a cabinet that it cannot read libarchive (3.6) follows a null pointer: what comes then is the next decoder's. */
static bool may_read_on(const struct archive_job *j)
{
	return j->damaged == 0 || j->kind->support != archive_read_support_format_cab;
}

/* Those of RAR and RPM read up to the end of the file, that of XAR jumps about. */
static bool tells_its_end(const struct archive_kind *kind)
{
	return kind->support != with_rar && kind->support != archive_read_support_format_xar && kind->filter != ARCHIVE_FILTER_RPM;
}

/* Make children of all members. false: over a limit, stop. */
static bool read_all(struct archive_job *j, const char *password)
{
	struct archive_entry *entry;
	struct archive *a = open_reader(j, password);
	int more = -1;
	bool good = true;
	j->password = password != NULL;
	while (a && good && may_read_on(j) && (more = next_member(j, a, &entry)) > 0)
		good = take_member(j, a, entry);
	j->over |= !good;
	if (good && more < 0)
		j->damaged++;
	if (good && more == 0 && tells_its_end(j->kind) && archive_filter_bytes(a, -1) > 0)
		j->read = (size_t)archive_filter_bytes(a, -1);
	if (a && !password && j->locked == 0 && archive_read_has_encrypted_entries(a) == 1)
		j->locked_whole = true;
	if (a)
		archive_read_free(a);
	return good;
}

/* --- passwords --- */

/* Does it open the first locked member, to its end? Nothing of it is kept. */
static bool opens(struct archive_job *j, const char *password)
{
	struct archive_entry *entry;
	struct archive *a = open_reader(j, password);
	bool good = false, found = false;
	const void *block;
	size_t n;
	int64_t offset;
	int r = ARCHIVE_FATAL;
	while (a && !found && archive_read_next_header(a, &entry) >= ARCHIVE_WARN && postern_may_go_on(j->call))
		found = archive_entry_is_data_encrypted(entry) && archive_entry_size(entry) != 0;
	while (found && (r = archive_read_data_block(a, &block, &n, &offset)) >= ARCHIVE_WARN && r != ARCHIVE_EOF && postern_may_go_on(j->call))
		;
	good = found && r == ARCHIVE_EOF;
	if (a)
		archive_read_free(a);
	return good;
}

static bool is_zeros(const uint8_t *data, size_t n)
{
	return n == 0 || (data[0] == 0 && memcmp(data, data + 1, n - 1) == 0);
}

/* No member and no complaint: an empty archive is small, or zeros (tar); whatever is more has not been understood. */
static bool is_empty(const struct archive_job *j)
{
	return j->size <= EMPTY_BYTES_MAX || is_zeros(j->data, j->size);
}

static enum postern_result conclude(struct archive_job *j)
{
	if (j->over)
		return POSTERN_LIMIT;
	if (j->locked_whole || j->locked > 0) {
		postern_part_attribute(j->call, 'C');
		return postern_fail(j->call, POSTERN_BROKEN, "encrypted");
	}
	if (j->damaged > 0)
		return postern_fail(j->call, POSTERN_BROKEN, "%s", j->error[0] ? j->error : "damaged");
	if (j->members > 0)
		return POSTERN_OK;
	postern_part_keep(j->call);	/* scanners shall see what nobody has taken out of it */
	return is_empty(j) ? POSTERN_OK : postern_fail(j->call, POSTERN_BROKEN, "no member in it, and it is not empty");
}

static const char *find_password(struct archive_job *j)
{
	const char *word;
	for (size_t i = 0; (word = postern_password(j->call, i)) && postern_may_go_on(j->call); i++)
		if (opens(j, word))
			return word;
	return NULL;
}

/* --- zip: whoever reads its directory and whoever reads it from the front shall both be seen --- */

static bool read_zip_from_front(struct archive_job *j, size_t first_local, bool has_directory)
{
	struct archive_job front = *j;
	front.kind = &streamed_zip;
	front.data += first_local;
	front.size -= first_local;
	front.damaged = 0;		/* the front reader stumbles where the directory is right, and where there is none */
	bool good = read_all(&front, NULL);
	j->members = front.members;
	j->over = front.over;
	if (!has_directory)
		j->locked = front.locked;
	return good;
}

static bool read_zip_other_ends(struct archive_job *j, const struct zip_shape *shape)
{
	bool good = true;
	for (unsigned i = 0; i < shape->other_count && good; i++) {
		struct archive_job other = *j;
		other.size = shape->other_ends[i];
		other.damaged = other.locked = 0;
		good = read_all(&other, NULL);
		j->over = other.over;
	}
	return good;
}

/* *end: where it ends; what is behind that is no part of it. */
static enum postern_result open_zip(struct archive_job *j, size_t *end)
{
	struct zip_shape shape;
	if (zip_shape_of(j->data, j->size, &shape) != 0)
		return postern_fail(j->call, POSTERN_TEMPFAIL, "no memory for the directory");
	const char *word = shape.locked ? find_password(j) : NULL;
	if (word)
		postern_part_attribute(j->call, 'K');
	bool good = shape.has_directory ? read_all(j, word) : shape.first_local != SIZE_MAX;
	if (!shape.has_directory && !good)
		return postern_fail(j->call, POSTERN_BROKEN, "neither a directory nor a member");
	if (good && (shape.disagrees || !shape.has_directory) && shape.first_local != SIZE_MAX)
		good = read_zip_from_front(j, shape.first_local, shape.has_directory);
	if (good)
		read_zip_other_ends(j, &shape);
	j->read = shape.gaps ? 0 : shape.end;
	*end = shape.end;
	/* Without a directory some readers refuse it, others repair it and see what the front reader does not reach. */
	if (shape.disagrees || !shape.has_directory)
		postern_part_attribute(j->call, 'B');
	return conclude(j);
}

/* Of two answers about one part the one that says more is wrong. */
static enum postern_result worse(enum postern_result a, enum postern_result b)
{
	return a == POSTERN_NOTHING || (b != POSTERN_NOTHING && b != POSTERN_OK) ? b : a;
}

/* --- archives that begin somewhere within --- */

/* What looks like one and is none says nothing about the part. */
static enum postern_result open_embedded(struct postern_call *call, const struct postern_part *part, const uint8_t *data, size_t n)
{
	struct embedded found[EMBEDDED_MAX];
	bool more;
	size_t count = embedded_find(data, n, found, &more);
	enum postern_result result = more ? postern_fail(call, POSTERN_BROKEN, "more than %d archives seem to begin in it", EMBEDDED_MAX) : POSTERN_NOTHING;
	for (size_t i = 0; i < count && result != POSTERN_LIMIT; i++) {
		struct archive_job j = { .call = call, .part = part, .data = data + found[i].at, .size = found[i].size, .kind = kind_of(found[i].type, strlen(found[i].type)) };
		read_all(&j, NULL);
		if (j.members > 0 || j.over || j.locked_whole)
			result = worse(result, conclude(&j));
	}
	if (result != POSTERN_NOTHING)
		postern_part_keep(call);
	return result;
}

/* --- the plugin --- */

static bool is_zip(const struct archive_kind *kind)
{
	return kind->support == with_zip;
}

/* Documents and programs are more than what is packed in them. */
static bool is_more_than_archive(const char *types)
{
	return strstr(types, "ooxml") || strstr(types, "odf") || strstr(types, "epub") || strstr(types, "jar") || strncmp(types, "exe", 3) == 0;
}

static bool begins_as_archive(const char *types)
{
	return kind_of(types, strcspn(types, ",")) != NULL;
}

/* Of formats that libarchive does not read from the front to the end. */
static size_t size_by_header(const struct archive_kind *kind, const uint8_t *data, size_t n)
{
	bool is_disk = strcmp(kind->type, "iso") == 0 && n > DISK_HEADER_AT + DISK_SIZE_AT + 4;
	const uint8_t *p = data + DISK_HEADER_AT + DISK_SIZE_AT;
	return is_disk ? DISK_BLOCK_BYTES * (size_t)(p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24) : embedded_size(kind->type, data, n);
}

/* What stands behind an archive nobody has taken out of it: another archive comes out, all else reaches the scanners with the part. */
static enum postern_result open_tail(struct archive_job *j, size_t end, enum postern_result result)
{
	if (result != POSTERN_OK && result != POSTERN_BROKEN)
		return result;
	size_t tail = end < j->size ? end : j->size;
	if (is_zeros(j->data + tail, j->size - tail))
		return result;
	postern_part_keep(j->call);
	enum postern_result r = open_embedded(j->call, j->part, j->data + tail, j->size - tail);
	return r == POSTERN_NOTHING ? result : worse(result, r);
}

static enum postern_result open_as(struct postern_call *call, const struct postern_part *part, const struct archive_kind *kind,
	const uint8_t *data, size_t n, bool whole)
{
	struct archive_job j = { .call = call, .part = part, .kind = kind, .data = data, .size = n };
	size_t end = n;
	enum postern_result result;
	if (is_zip(kind)) {
		result = open_zip(&j, &end);
	} else {
		read_all(&j, NULL);
		result = conclude(&j);
		end = size_by_header(kind, data, n);
		j.read = end > 0 ? end : j.read;
		end = end > 0 ? end : j.read > 0 ? j.read : n;
	}
	if (j.read == 0)
		postern_part_keep(call);
	return whole ? open_tail(&j, end, result) : result;
}

/* A part may be several kinds at once, a picture with an archive behind it: each is opened, the worst answer counts. */
static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	const char *types = postern_part_type(part);
	enum postern_result worst = POSTERN_NOTHING;
	const struct archive_kind *last = NULL;
	size_t n;
	const uint8_t *data = postern_part_data(call, part, &n);
	if (!data)
		return POSTERN_TEMPFAIL;
	for (size_t length; *types && worst != POSTERN_LIMIT && worst != POSTERN_TEMPFAIL; types += length + (types[length] != '\0')) {
		length = strcspn(types, ",");
		const struct archive_kind *kind = kind_of(types, length);
		if (!kind || (last && kind->support == last->support && kind->filter == last->filter))
			continue;
		enum postern_result r = open_as(call, part, last = kind, data, n, begins_as_archive(postern_part_type(part)));
		worst = worse(worst, r);
	}
	if (is_more_than_archive(postern_part_type(part)))
		postern_part_keep(call);
	/* What begins as something else may hold others before the one at its end. */
	if (worst == POSTERN_LIMIT || worst == POSTERN_TEMPFAIL || begins_as_archive(postern_part_type(part)))
		return worst;
	return worse(worst, open_embedded(call, part, data, n));
}

static const struct postern_decoder_ops decoder_ops = {
	.size = sizeof decoder_ops,
	.types = "zip|ooxml|odf|epub|jar|7z|rar|tar|cpio|a|deb|rpm|cab|lha|iso|xar|warc|gz|bz2|xz|lzma|lzip|lz4|zst|Z"
		"|embedded",
	.decode = decode,
};

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "archive", .version = "1", .doc = "Opens archives and compressed files by libarchive.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
