/* sql_probe.c - reads a configuration and asks its databases, as a worker would; for the tests of SQL lookups.
 *
 * sql_probe CONFIGURATION, then lines on standard input; words have %XX for any byte:
 *   fetch ADDRESS [local]            the record of an address
 *   wblist USERS_ID SENDER [local]
 *   lookup SETTING ADDRESS           what a lookup list says
 *   execute N STATEMENT [t:TEXT | o:OCTETS | n:]...   put to the Nth database, as it is
 *   ping N
 *   time MS                          of the calls that follow; 0: none
 *   cancel FD                        they are given up when something can be read from it
 *   check                            as posternd -tt does
 * One answer for each line: words as above, the last line of it "." */
#include "config.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "config/config.h"
#include "lookup/lookup.h"
#include "lookup/record.h"
#include "lookup/sql_rows.h"
#include "plugin/call.h"
#include "wire/shared.h"

#define WORDS_MAX 64

static struct {
	struct config *config;
	struct plugin_instance **databases;
	size_t database_count;
	int64_t time_ms;
	int cancel_fd;
} probe = { .cancel_fd = -1 };

static char *decode(const char *word, size_t *size)
{
	char *out = g_malloc(strlen(word) + 1), *to = out;
	while (*word) {
		if (*word == '%' && g_ascii_isxdigit(word[1]) && g_ascii_isxdigit(word[2])) {
			*to++ = (char)(g_ascii_xdigit_value(word[1]) << 4 | g_ascii_xdigit_value(word[2]));
			word += 3;
		} else {
			*to++ = *word++;
		}
	}
	*to = '\0';
	*size = (size_t)(to - out);
	return out;
}

static void put(const char *text, size_t size)
{
	for (size_t k = 0; text && k < size; k++) {
		unsigned char c = (unsigned char)text[k];
		if (c <= ' ' || c == '%' || c > '~')
			printf("%%%02X", c);
		else
			putchar(c);
	}
	if (!text)
		fputs("NULL", stdout);
}

static void put_error(const struct error *e)
{
	static const char *const classes[] = { "NONE", "ENVIRONMENT", "INPUT", "CONFIG", "DEADLINE", "CANCELLED" };
	printf("failed %s %s\n", classes[e->class], e->text);
}

static struct deadline now_deadline(void)
{
	struct deadline d = probe.time_ms ? deadline_in(probe.time_ms) : deadline_none();
	d.cancel_fd = probe.cancel_fd;
	return d;
}

static void put_rows(const struct record_row *rows, size_t count)
{
	for (size_t r = 0; r < count; r++) {
		fputs("row", stdout);
		if (rows[r].key) {
			fputs(" key:", stdout);
			put(rows[r].key, strlen(rows[r].key));
		}
		for (size_t k = 0; k < rows[r].count; k++) {
			printf(" %s=", rows[r].fields[k].name);
			put(rows[r].fields[k].value, rows[r].fields[k].size);
		}
		putchar('\n');
	}
}

static struct lookup_key *key_of(void *owner, const char *address)
{
	const struct lookup_style style = { .recipient_delimiter = "+" };
	return lookup_key_address(owner, address, &style);
}

static struct record_source *sql_source(void)
{
	struct record_source *s = config_record_source(probe.config, RECORD_SQL);
	if (!s) {
		fprintf(stderr, "sql_probe: no lookup_sql_dsn\n");
		exit(2);
	}
	return s;
}

static void do_fetch(void *owner, char **words, size_t count)
{
	struct lookup_context context = { .deadline = now_deadline() };
	struct record_question q = { .key = key_of(owner, words[1]), .local_by_tables = count > 2, .context = &context };
	struct record record;
	struct error e = { 0 };
	if (sql_source()->fetch(sql_source(), &q, owner, &record, &e) != 0) {
		put_error(&e);
		return;
	}
	printf("from %s\n", record.origin ? record.origin : "nobody");
	put_rows(record.rows, record.row_count);
}

static void do_wblist(void *owner, char **words, size_t count)
{
	struct lookup_context context = { .deadline = now_deadline() };
	struct record_question q = { .key = key_of(owner, words[2]), .local_by_tables = count > 3, .context = &context };
	struct error e = { 0 };
	const char *wb;
	if (sql_source()->wblist(sql_source(), words[1], &q, owner, &wb, &e) != 0) {
		put_error(&e);
		return;
	}
	fputs("wb ", stdout);
	put(wb, wb ? strlen(wb) : 0);
	putchar('\n');
}

static enum setting_id setting_by_name(const char *name)
{
	for (int i = 0; i < SETTING_COUNT; i++)
		if (strcmp(setting_name((enum setting_id)i), name) == 0)
			return (enum setting_id)i;
	fprintf(stderr, "sql_probe: no setting %s\n", name);
	exit(2);
}

static void do_lookup(void *owner, char **words)
{
	struct lookup_context context = { .deadline = now_deadline() };
	struct lookup_match match;
	struct error e = { 0 };
	const struct value *v = lookup_first(config_value(probe.config, setting_by_name(words[1])), key_of(owner, words[2]), &context, owner, &match, &e);
	if (e.class != ERROR_NONE) {
		put_error(&e);
		return;
	}
	const char *text = v ? value_text(v, owner) : NULL;
	fputs("value ", stdout);
	put(text, text ? strlen(text) : 0);
	printf(" key %s\n", match.key ? match.key : "NULL");
}

static const char *const result_names[] = { "OK", "NOTHING", "TEMPFAIL", "LIMIT", "BROKEN" };

static struct plugin_instance *database(const char *number)
{
	size_t n = strtoul(number, NULL, 10);
	if (n >= probe.database_count) {
		fprintf(stderr, "sql_probe: no database %zu\n", n);
		exit(2);
	}
	return probe.databases[n];
}

static void put_executed(const struct plugin_executed *done)
{
	printf("result %s affected=%lld id=%lld error=%s\n", result_names[done->result], (long long)done->affected_rows, (long long)done->insert_id,
		done->error ? done->error : "");
}

static void do_execute(void *owner, char **words, const size_t *sizes, size_t count)
{
	struct sql_rows rows = { .owner = owner };
	struct plugin_record_sink sink = sql_rows_sink(&rows);
	struct postern_parameter parameters[WORDS_MAX];
	struct plugin_executed done;
	for (size_t k = 3; k < count; k++)
		parameters[k - 3] = (struct postern_parameter){ words[k][0] == 'n' ? NULL : words[k] + 2, sizes[k] - 2, words[k][0] == 'o' };
	plugin_execute(database(words[1]), words[2], parameters, count - 3, &sink, now_deadline(), owner, &done);
	put_executed(&done);
	put_rows(rows.rows, rows.row_count);
}

static void do_ping(void *owner, char **words)
{
	struct plugin_executed done;
	plugin_ping(database(words[1]), now_deadline(), owner, &done);
	put_executed(&done);
}

static void do_line(char **words, const size_t *sizes, size_t count)
{
	void *owner = talloc_new(NULL);
	if (strcmp(words[0], "fetch") == 0 && count >= 2)
		do_fetch(owner, words, count);
	else if (strcmp(words[0], "wblist") == 0 && count >= 3)
		do_wblist(owner, words, count);
	else if (strcmp(words[0], "lookup") == 0 && count == 3)
		do_lookup(owner, words);
	else if (strcmp(words[0], "execute") == 0 && count >= 3)
		do_execute(owner, words, sizes, count);
	else if (strcmp(words[0], "ping") == 0 && count == 2)
		do_ping(owner, words);
	else if (strcmp(words[0], "time") == 0 && count == 2)
		probe.time_ms = strtol(words[1], NULL, 10);
	else if (strcmp(words[0], "cancel") == 0 && count == 2)
		probe.cancel_fd = atoi(words[1]);
	else if (strcmp(words[0], "check") == 0)
		printf("%s\n", config_check_sources(probe.config, stdout) ? "good" : "bad");
	else
		printf("what?\n");
	talloc_free(owner);
}

static void read_lines(void)
{
	char *line = NULL;
	size_t room = 0;
	for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
		char **texts, *words[WORDS_MAX];
		size_t sizes[WORDS_MAX], count = 0;
		line[strcspn(line, "\n")] = '\0';
		texts = g_strsplit(line, " ", WORDS_MAX);
		for (; texts[count]; count++)
			words[count] = decode(texts[count], &sizes[count]);
		if (count > 0)
			do_line(words, sizes, count);
		printf(".\n");
		fflush(stdout);
		for (size_t k = 0; k < count; k++)
			g_free(words[k]);
		g_strfreev(texts);
	}
	free(line);
}

static void start_databases(void)
{
	size_t count;
	struct plugin_instance *const *all = config_instances(probe.config, &count);
	probe.databases = talloc_zero_array(probe.config, struct plugin_instance *, count + 1);
	for (size_t i = 0; i < count; i++) {
		struct error e = { 0 };
		if (!(all[i]->plugin->roles & POSTERN_DATABASE))
			continue;
		if (plugin_instance_load(all[i], &e) != 0 || plugin_instance_start(all[i], &e) != 0)
			printf("start failed: %s\n", e.text);
		probe.databases[probe.database_count++] = all[i];
	}
}

int main(int argc, char **argv)
{
	GPtrArray *problems;
	struct config_options options = { .build_dir = getenv("POSTERN_BUILD"), .load_plugins = true };
	if (argc != 2 || !options.build_dir)
		return 2;
	options.file = argv[1];
	probe.config = config_load(&options, &problems);
	config_print_problems(stderr, problems);
	bool good = config_error_count(problems) == 0;
	g_ptr_array_unref(problems);
	if (!good)
		return 78;
	plugin_call_setup(shared_private(), NULL);
	start_databases();
	printf("ready\n.\n");
	fflush(stdout);
	read_lines();
	for (size_t i = 0; i < probe.database_count; i++)
		plugin_instance_stop(probe.databases[i]);
	talloc_free(probe.config);
	return 0;
}
