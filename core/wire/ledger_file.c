/* ledger_file.c - the ledgers' memory over restarts of the machine: lines appended, read back and shortened at start.
 *
 * A line is appended by one write(2), so that lines of several processes never
 * mix.  What cannot be understood (a torn last line) is passed over: the worst
 * that follows is a second copy of one mail. */
#include "config.h"
#include "wire/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deadline.h"
#include "wire/ledger_slots.h"

#define KEY_HEX 32
#define LINE_MAX_BYTES 128
#define DEATHS_MAX 1000000

struct ledger_line {
	char what;
	struct ledger_key key;
	int64_t until_wall_s;
	uint32_t deaths;
};

int ledger_file_open(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
}

static int line_format(char *to, size_t size, const struct ledger_line *l)
{
	char hex[KEY_HEX + 1];
	for (unsigned i = 0; i < sizeof l->key.bytes; i++)
		snprintf(hex + 2 * i, 3, "%02x", l->key.bytes[i]);
	return snprintf(to, size, "%c %s %" PRId64 " %" PRIu32 "\n", l->what, hex, l->until_wall_s, l->deaths);
}

void ledger_file_append(int fd, char what, struct ledger_key key, int64_t until_wall_s)
{
	if (fd < 0)
		return;
	char text[LINE_MAX_BYTES];
	struct ledger_line l = { what, key, until_wall_s, what == 'P' };
	int n = line_format(text, sizeof text, &l);
	/* A full disk costs only the memory of this one mail over a restart: nothing better can be done here. */
	ssize_t written;
	do
		written = write(fd, text, (size_t)n);
	while (written < 0 && errno == EINTR);
}

static int64_t wall_s_in(int64_t ms)
{
	return (clock_wall_us() / 1000 + ms) / 1000;
}

void ledger_file_delivered(int fd, struct ledger_key key)
{
	ledger_file_append(fd, 'D', key, wall_s_in(DELIVERED_AGE_MS));
}

void ledger_file_died(int fd, struct ledger_key key)
{
	ledger_file_append(fd, 'P', key, wall_s_in(POISON_AGE_MS));
}

void ledger_file_used(int fd, struct ledger_key key)
{
	ledger_file_append(fd, 'C', key, wall_s_in(0));
}

static bool key_parse(const char *hex, struct ledger_key *key)
{
	for (unsigned i = 0; i < sizeof key->bytes; i++) {
		int high = g_ascii_xdigit_value(hex[2 * i]), low = high < 0 ? -1 : g_ascii_xdigit_value(hex[2 * i + 1]);
		if (low < 0)
			return false;
		key->bytes[i] = (unsigned char)(high << 4 | low);
	}
	return hex[KEY_HEX] == ' ';
}

static bool line_parse(const char *text, struct ledger_line *l)
{
	l->what = text[0];
	if (!l->what || !strchr("DPC", l->what) || text[1] != ' ' || !key_parse(text + 2, &l->key))
		return false;
	char *end;
	l->until_wall_s = g_ascii_strtoll(text + 2 + KEY_HEX + 1, &end, 10);
	if (*end != ' ')
		return false;
	gint64 deaths = g_ascii_strtoll(end + 1, &end, 10);
	if (*end != '\n' || deaths < 0 || deaths > DEATHS_MAX)
		return false;
	l->deaths = (uint32_t)deaths;
	return true;
}

/* The line's end on the monotonic clock, never further off than a new entry's would be (the wall clock may have jumped). */
static int64_t line_until_ms(const struct ledger_line *l, int64_t now_ms, int64_t wall_s, int64_t age_ms)
{
	if (l->until_wall_s <= wall_s)
		return now_ms;
	int64_t left_s = l->until_wall_s - wall_s;
	return now_ms + (left_s < age_ms / 1000 ? left_s * 1000 : age_ms);
}

static void forget_noted(struct shared *s, struct ledger_key key, int64_t now_ms)
{
	struct ledger_table t = { s->delivered, SHARED_DELIVERED };
	unsigned at = 0;
	uint64_t word;
	struct shared_ledger_slot *slot;
	while ((slot = ledger_find(t, key, now_ms, &at, &word)))
		if (ledger_word_state(word) == DELIVERED_NOTED &&
		    ledger_slot_change(slot, word, ledger_word_with(word, DELIVERED_FREE, 0)))
			return;
}

static void remember_deaths(struct shared *s, const struct ledger_line *l, int64_t now_ms, int64_t until_ms)
{
	struct ledger_table t = { s->poison, SHARED_POISON };
	unsigned deaths = ledger_poison_deaths(s, l->key) + l->deaths;
	ledger_poison_clear(s, l->key);
	if (deaths > 0)
		ledger_insert(t, l->key, DELIVERED_NOTED, MIN(deaths, (unsigned)DEATHS_MAX), now_ms, until_ms);
}

static void line_apply(struct shared *s, const struct ledger_line *l, int64_t now_ms, int64_t wall_s)
{
	if (l->what == 'C') {
		forget_noted(s, l->key, now_ms);
		ledger_poison_clear(s, l->key);
		return;
	}
	int64_t until_ms = line_until_ms(l, now_ms, wall_s, l->what == 'D' ? DELIVERED_AGE_MS : POISON_AGE_MS);
	if (until_ms <= now_ms)
		return;
	struct ledger_table delivered = { s->delivered, SHARED_DELIVERED };
	if (l->what == 'D')
		ledger_insert(delivered, l->key, DELIVERED_NOTED, 0, now_ms, until_ms);
	else
		remember_deaths(s, l, now_ms, until_ms);
}

static void read_lines(struct shared *s, FILE *f, int64_t now_ms, int64_t wall_s)
{
	char text[LINE_MAX_BYTES];
	bool in_long_line = false;
	while (fgets(text, sizeof text, f)) {
		bool ends = strchr(text, '\n') != NULL;
		struct ledger_line l;
		if (!in_long_line && ends && line_parse(text, &l))
			line_apply(s, &l, now_ms, wall_s);
		in_long_line = !ends;
	}
}

static void write_table(FILE *f, char what, struct ledger_table t, int64_t now_ms, int64_t wall_s)
{
	for (uint32_t i = 0; i < t.count; i++) {
		struct shared_ledger_slot *slot = &t.slots[i];
		uint64_t word = ledger_slot_live(slot, now_ms);
		if (ledger_word_state(word) != DELIVERED_NOTED)
			continue;
		struct ledger_line l = { .what = what, .deaths = ledger_word_value(word) };
		l.key = ledger_slot_key(slot);
		l.until_wall_s = wall_s + (atomic_load(&slot->until_ms) - now_ms + 999) / 1000;
		char text[LINE_MAX_BYTES];
		line_format(text, sizeof text, &l);
		fputs(text, f);
	}
}

static int write_all(struct shared *s, const char *path, int64_t now_ms, int64_t wall_s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	write_table(f, 'D', (struct ledger_table){ s->delivered, SHARED_DELIVERED }, now_ms, wall_s);
	write_table(f, 'P', (struct ledger_table){ s->poison, SHARED_POISON }, now_ms, wall_s);
	int failed = fflush(f) != 0 || ferror(f) || fsync(fd) != 0;
	failed |= fclose(f) != 0;
	return failed ? -1 : 0;
}

static int file_rewrite(struct shared *s, const char *path, int64_t now_ms, int64_t wall_s)
{
	char *beside = g_strconcat(path, ".new", NULL);
	int rc = write_all(s, beside, now_ms, wall_s);
	if (rc == 0)
		rc = rename(beside, path);
	if (rc != 0) {
		int saved = errno;
		unlink(beside);
		errno = saved;
	}
	g_free(beside);
	return rc;
}

int ledger_file_load(struct shared *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	struct stat st;
	FILE *f = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;
	if (!f) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	int64_t now_ms = clock_now_ms(), wall_s = clock_wall_us() / 1000000;
	read_lines(s, f, now_ms, wall_s);
	fclose(f);
	return file_rewrite(s, path, now_ms, wall_s);
}
