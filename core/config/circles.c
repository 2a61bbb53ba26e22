/* circles.c - settings that follow each other (setting "x") must not do so in a circle, in the base or through any bank. */
#include "config.h"

#include "config/inside.h"

enum colour { WHITE, GREY, BLACK };

struct walk {
	struct config *c;
	enum colour colour[SETTING_COUNT];
	bool circular;
};

static void visit(struct walk *w, enum setting_id id);

static void visit_value(struct walk *w, enum setting_id from, const struct value *v)
{
	enum setting_id to;

	for (size_t i = 0; (v->kind == VALUE_LIST || v->kind == VALUE_HASH) && i < v->u.list.count; i++)
		visit_value(w, from, v->u.list.items[i]);
	if (v->kind != VALUE_SETTING)
		return;
	to = (enum setting_id)v->u.setting;
	if (w->colour[to] == GREY) {
		w->circular = true;
		problem_add(w->c, v->file ? v->file : w->c->slots[from].file, v->file ? v->line : w->c->slots[from].line, false,
			"%s: follows \"%s\", which follows it in turn; expected a value somewhere", setting_name(from), setting_name(to));
	}
	if (w->colour[to] == WHITE)
		visit(w, to);
}

static void visit_banks(struct walk *w, enum setting_id id)
{
	GHashTableIter at;
	gpointer name, data;

	g_hash_table_iter_init(&at, w->c->banks);
	while (g_hash_table_iter_next(&at, &name, &data)) {
		const struct bank *b = data;

		for (size_t i = 0; i < b->count; i++)
			if (b->entries[i].id == id)
				visit_value(w, id, b->entries[i].value);
	}
}

static void visit(struct walk *w, enum setting_id id)
{
	w->colour[id] = GREY;
	visit_value(w, id, w->c->raw[id]);
	visit_banks(w, id);
	w->colour[id] = BLACK;
}

void circles_break(struct config *c)
{
	struct walk w = { .c = c };

	for (int i = 0; i < SETTING_COUNT; i++)
		if (w.colour[i] == WHITE)
			visit(&w, (enum setting_id)i);
	if (!w.circular)
		return;
	/* The configuration is refused; what is still done with it must end. */
	c->cut_short = true;
	g_hash_table_remove_all(c->banks);
	for (int i = 0; i < SETTING_COUNT; i++)
		if (follows_settings(c->raw[i]))
			c->raw[i] = &value_undef;
}
