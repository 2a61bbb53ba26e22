/* question.c - the question without content that the breaker asks a scanner, database or directory: does anybody answer at all?
 *
 * It is the plugin's version() or ping().  A plugin without one may name endpoints in its options: that one of them takes a
 * connection does not say that it would answer, that none does says enough. */
#include "config.h"

#include "plugin/inside.h"

#define QUESTION_MS 2000
#define QUESTION_LEAST_MS 400	/* who does not answer in less is not gone yet */
#define PROGRAM_QUESTION_MS 10000	/* a program is started for it */

/* Half of what is left at most: the mail is to be asked about, too. */
int question_time_ms(const struct postern_call *c)
{
	int time_ms = c->instance->plugin->capabilities & POSTERN_CAP_EXEC ? PROGRAM_QUESTION_MS : QUESTION_MS;
	int left_ms = deadline_left_ms(c->deadline);
	if (left_ms < 0 || left_ms / 2 >= time_ms)
		return time_ms;
	return left_ms / 2 >= QUESTION_LEAST_MS ? left_ms / 2 : 0;
}

static bool connects(struct postern_call *c, const char *endpoint)
{
	struct postern_conn *conn = endpoint ? postern_conn_open(c, endpoint) : NULL;
	if (conn)
		postern_conn_close(c, conn);
	return conn;
}

static bool any_connects(struct postern_call *c, const struct postern_option *o, bool *tried)
{
	const char *field = (const char *)c->instance->options + o->offset;
	struct postern_strings one = { 1, (const char *const *)field };
	const struct postern_strings *all = o->type == POSTERN_ENDPOINTS ? (const struct postern_strings *)field : &one;
	for (size_t k = 0; k < all->count; k++) {
		*tried = true;
		if (connects(c, all->v[k]))
			return true;
	}
	return false;
}

static enum postern_result connect_only(struct postern_call *c)
{
	bool tried = false;
	for (const struct postern_option *o = c->instance->plugin->options; o && o->name; o++) {
		if (o->type != POSTERN_ENDPOINT && o->type != POSTERN_ENDPOINTS)
			continue;
		if (any_connects(c, o, &tried))
			return POSTERN_NOTHING;
	}
	return tried ? POSTERN_TEMPFAIL : POSTERN_NOTHING;
}

typedef enum postern_result (*question)(struct postern_call *);

static question own_question(const struct postern_plugin *p)
{
	return p->scanner ? p->scanner->version : p->database ? p->database->ping : p->lookup->ping;
}

bool question_settles(const struct plugin_instance *i)
{
	return own_question(i->plugin) != NULL;
}

static enum postern_result put(struct postern_call *c)
{
	const struct postern_plugin *p = c->instance->plugin;
	question own = own_question(p);
	if (own)
		return own(c);
	return p->database ? POSTERN_NOTHING : connect_only(c);
}

/* What is answered to the question is no answer to what will be asked. */
static enum postern_result put_apart(struct postern_call *c)
{
	const struct plugin_record_sink *records = c->records;
	plugin_row_fn row = c->row;
	c->records = NULL;
	c->row = NULL;
	enum postern_result r = put(c);
	c->records = records;
	c->row = row;
	c->answer = (struct call_answer){ 0 };
	c->affected_rows = c->insert_id = 0;
	return r;
}

enum postern_result question_ask(struct postern_call *c)
{
	struct deadline whole = c->deadline;
	c->deadline = deadline_sooner(whole, question_time_ms(c));
	enum postern_result r = put_apart(c);
	c->deadline = whole;
	c->connect_failed_ms = 0;
	return r;
}
