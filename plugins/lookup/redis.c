/* redis.c - keys and values in a Redis or Valkey server, all keys of a search asked in one round trip (RESP2).
 *
 * The connection is kept from lookup to lookup; one that has gone away meanwhile
 * is made anew once.  A server that does not answer is a failure, never "no". */
#include <postern/plugin.h>

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 4096
#define VALUE_BYTES_MAX (64 * 1024)

struct options { const char *server, *user, *password, *prefix, *hash; int64_t database; };

static const struct postern_option options[] = {
	{ .name = "server", .type = POSTERN_ENDPOINT, .offset = offsetof(struct options, server), .value = "127.0.0.1:6379", .flags = POSTERN_POSITIONAL,
	  .doc = "Where it listens." },
	{ .name = "user", .type = POSTERN_STRING, .offset = offsetof(struct options, user), .doc = "User for AUTH, where passwords belong to users." },
	{ .name = "password", .type = POSTERN_STRING, .offset = offsetof(struct options, password), .flags = POSTERN_SECRET,
	  .doc = "Password for AUTH." },
	{ .name = "database", .type = POSTERN_INT, .offset = offsetof(struct options, database), .value = "0", .min = 0, .max = 65535,
	  .doc = "Number of the database." },
	{ .name = "prefix", .type = POSTERN_STRING, .offset = offsetof(struct options, prefix), .value = "", .doc = "What stands in front of every key." },
	{ .name = "hash", .type = POSTERN_STRING, .offset = offsetof(struct options, hash),
	  .doc = "Name of a hash whose fields are the keys; default each key is a string of its own." },
	{ .name = NULL }
};

/* --- what is sent --- */

struct command { struct postern_call *call; char *text; size_t size, room; };

static void append(struct command *m, const char *data, size_t n)
{
	if (m->size + n > m->room) {
		size_t room = (m->size + n) * 2;
		char *larger = postern_alloc(m->call, room);
		if (m->size)
			memcpy(larger, m->text, m->size);
		m->text = larger;
		m->room = room;
	}
	memcpy(m->text + m->size, data, n);
	m->size += n;
}

static void append_text(struct command *m, const char *text)
{
	append(m, text, strlen(text));
}

/* Lengths go before bytes: nothing in a key can be taken for a command. */
static void append_word(struct command *m, const char *prefix, const char *word)
{
	append_text(m, postern_printf(m->call, "$%zu\r\n", strlen(prefix) + strlen(word)));
	append_text(m, prefix);
	append_text(m, word);
	append_text(m, "\r\n");
}

static void begin_command(struct command *m, const char *name, size_t words)
{
	append_text(m, postern_printf(m->call, "*%zu\r\n", words));
	append_word(m, "", name);
}

static void make_question(struct command *m, const struct options *o, const char *const *keys, size_t count)
{
	begin_command(m, o->hash ? "HMGET" : "MGET", count + (o->hash ? 2 : 1));
	if (o->hash)
		append_word(m, "", o->hash);
	for (size_t k = 0; k < count; k++)
		append_word(m, o->prefix, keys[k]);
}

/* --- what comes back --- */

/* What an administrator must mend, or what passes by itself? */
static enum postern_result refused(struct postern_call *c, const char *text)
{
	static const char *const passing[] = { "LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "MISCONF", "OOM" };
	enum postern_result r = POSTERN_BROKEN;
	for (size_t k = 0; k < sizeof passing / sizeof *passing; k++)
		if (strncmp(text, passing[k], strlen(passing[k])) == 0)
			r = POSTERN_TEMPFAIL;
	return postern_fail(c, r, "the server says: %s", text);
}

static enum postern_result nonsense(struct postern_call *c, const char *line)
{
	return postern_fail(c, POSTERN_BROKEN, "a reply that is no Redis protocol: \"%.80s\"", line);
}

/* A line of the reply without its type; NULL and *r set when it is an error, of another type, or did not come. */
static char *read_line(struct postern_call *c, struct postern_conn *conn, char type, enum postern_result *r)
{
	size_t n;
	char *line = postern_conn_read_until(c, conn, '\n', LINE_BYTES_MAX, &n);
	*r = POSTERN_TEMPFAIL;
	if (!line)
		return NULL;
	if (n > 0 && line[n - 1] == '\r')
		line[n - 1] = '\0';
	if (line[0] == type)
		return line + 1;
	*r = line[0] == '-' ? refused(c, line + 1) : nonsense(c, line);
	return NULL;
}

static bool read_number(const char *text, long *number)
{
	char *end;
	bool begins_well = isdigit((unsigned char)text[0]) || text[0] == '-';
	*number = begins_well ? strtol(text, &end, 10) : 0;
	return begins_well && *end == '\0';
}

static enum postern_result read_bytes(struct postern_call *c, struct postern_conn *conn, char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = postern_conn_read(c, conn, to, n);
		if (got == 0)
			return postern_fail(c, POSTERN_TEMPFAIL, "the server closed the connection within a reply");
		if (got < 0)
			return POSTERN_TEMPFAIL;
		to += got;
		n -= (size_t)got;
	}
	return POSTERN_OK;
}

/* "$5\r\nvalue\r\n" or "$-1\r\n": *value NULL. */
static enum postern_result read_value(struct postern_call *c, struct postern_conn *conn, char **value)
{
	enum postern_result r;
	long n;
	char *line = read_line(c, conn, '$', &r);
	*value = NULL;
	if (!line)
		return r;
	if (!read_number(line, &n) || n < -1)
		return nonsense(c, line);
	if (n == -1)
		return POSTERN_OK;
	if (n > VALUE_BYTES_MAX)
		return postern_fail(c, POSTERN_BROKEN, "a value of %ld bytes, more than %d", n, VALUE_BYTES_MAX);
	*value = postern_alloc(c, (size_t)n + 3);
	r = read_bytes(c, conn, *value, (size_t)n + 2);
	if (r == POSTERN_OK && memcmp(*value + n, "\r\n", 2) != 0)
		return nonsense(c, *value);
	(*value)[n] = '\0';
	return r;
}

/* The first key that has a value is the most specific; the others are read to the end, so that the connection can be kept. */
static enum postern_result read_answer(struct postern_call *c, struct postern_conn *conn, const char *const *keys, size_t count)
{
	enum postern_result r;
	bool found = false;
	long n;
	char *line = read_line(c, conn, '*', &r);
	if (!line)
		return r;
	if (!read_number(line, &n) || n != (long)count)
		return nonsense(c, line);
	for (size_t k = 0; k < count; k++) {
		char *value;
		r = read_value(c, conn, &value);
		if (r != POSTERN_OK)
			return r;
		if (value && !found)
			postern_lookup_answer(c, keys[k], value);
		found |= value != NULL;
	}
	return found ? POSTERN_OK : POSTERN_NOTHING;
}

/* --- a lookup --- */

static enum postern_result expect_ok(struct postern_call *c, struct postern_conn *conn)
{
	enum postern_result r;
	return read_line(c, conn, '+', &r) ? POSTERN_OK : r;
}

static enum postern_result greet(struct postern_call *c, struct postern_conn *conn, const struct options *o)
{
	struct command m = { .call = c };
	enum postern_result r = POSTERN_OK;
	if (o->password) {
		begin_command(&m, "AUTH", o->user ? 3 : 2);
		if (o->user)
			append_word(&m, "", o->user);
		append_word(&m, "", o->password);
	}
	if (o->database > 0) {
		begin_command(&m, "SELECT", 2);
		append_word(&m, "", postern_printf(c, "%d", (int)o->database));
	}
	if (m.size > 0 && postern_conn_write(c, conn, m.text, m.size) != 0)
		return POSTERN_TEMPFAIL;
	if (o->password)
		r = expect_ok(c, conn);
	if (r == POSTERN_OK && o->database > 0)
		r = expect_ok(c, conn);
	return r;
}

static enum postern_result ask(struct postern_call *c, struct postern_conn *conn, const struct command *m, const char *const *keys, size_t count)
{
	enum postern_result r = POSTERN_TEMPFAIL;
	if (postern_conn_write(c, conn, m->text, m->size) == 0)
		r = read_answer(c, conn, keys, count);
	if (r == POSTERN_OK || r == POSTERN_NOTHING)
		postern_conn_keep(c, conn);
	else
		postern_conn_close(c, conn);
	return r;
}

static enum postern_result look_up(struct postern_call *c, const char *const *keys, size_t count)
{
	const struct options *o = postern_options(postern_call_instance(c));
	struct command m = { .call = c };
	if (count == 0)
		return POSTERN_NOTHING;
	make_question(&m, o, keys, count);
	struct postern_conn *conn = postern_conn_kept(c);
	enum postern_result r = POSTERN_TEMPFAIL;
	if (conn)
		r = ask(c, conn, &m, keys, count);
	if (r != POSTERN_TEMPFAIL || postern_time_left_ms(c) == 0)
		return r;
	conn = postern_conn_open(c, o->server);
	if (!conn)
		return POSTERN_TEMPFAIL;
	r = greet(c, conn, o);
	return r == POSTERN_OK ? ask(c, conn, &m, keys, count) : r;
}

/* One more lookup, of a key that says nothing: to PING a server that cannot save its data answers with an error, and proxies do not
 * know every command. */
static enum postern_result ping(struct postern_call *c)
{
	static const char *const nobody[] = { "postern" };
	enum postern_result r = look_up(c, nobody, 1);
	return r == POSTERN_NOTHING ? POSTERN_OK : r;
}

static const struct postern_lookup_ops lookup = { .size = sizeof lookup, .lookup = look_up, .ping = ping };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "redis", .version = "1", .doc = "keys and values in a Redis server", .roles = POSTERN_LOOKUP,
	.capabilities = POSTERN_CAP_NETWORK, .options = options, .options_size = sizeof(struct options), .lookup = &lookup,
};
