/* decode.c - opens containers, level by level: each part of the queue is offered to the decoders that take its type.
 *
 * A decoder is a plugin called with one part; what it makes of it (member.c)
 * joins the tree, and the queue where something may open it in turn.  A mail
 * found in a container goes back to the MIME walker.  What no decoder
 * understands is undecipherable, never "nothing in it". */
#include "config.h"

#include "opener/declared.h"
#include "opener/decode.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

/* Part files are read back at most to this size for mails and texts that came out of containers. */
#define LOOK_INSIDE_MAX_BYTES (256u * 1024 * 1024)

#define NOT_ASKED (-1)		/* beside enum postern_result */

/* --- one part, one decoder --- */

/* The view of plugins grows by the parts that decoders are asked about. */
static size_t show_part(struct walk *w, const struct part *p)
{
	struct decoding *d = w->decoding;
	if (!d->view) {
		struct mail *mail = talloc_zero(w->owner, struct mail);
		mail->magic = MAIL_MAGIC;
		mail->log_id = w->job->order->log_id;
		mail->fd = w->job->mail_fd;
		mail->size_bytes = w->job->order->size_bytes;
		d->view = plugin_view_new(w->owner, mail, w->job->dir_fd, w->job->folder);
	}
	plugin_view_add_part(d->view, p, -1);
	return d->shown++;
}

static void set_note(struct walk *w, uint32_t number, const char *note)
{
	struct part *p = tree_part(w->tree, number);
	if (!p->note && note)
		p->note = talloc_strndup(w->owner, note, WIRE_NAME_MAX);
}

static const char *get_password(void *context, size_t i)
{
	return passwords_get(context, i);
}

static struct plugin_decode_sink whole_sink(struct walk *w)
{
	struct plugin_decode_sink sink = member_sink(w);
	sink.password = get_password;
	sink.unpack = program_run;
	sink.unpacked_files = program_files;
	sink.unpacked_content = program_content;
	return sink;
}

static enum postern_result ask(struct walk *w, struct plugin_instance *i, uint32_t number, size_t shown)
{
	struct decoding *d = w->decoding;
	struct plugin_outcome outcome;
	struct deadline deadline = { .cancel_fd = -1 };
	struct plugin_decode_sink sink = whole_sink(w);
	void *arena = talloc_new(w->owner);
	if (!budget_decoder_begin(&w->budget)) {
		talloc_free(arena);
		return POSTERN_LIMIT;
	}
	deadline.at_ms = budget_decoder_deadline_ms(&w->budget);
	d->decoder = i->name;
	d->number = number;
	d->refused = d->unpacked = false;
	plugin_decode(i, d->view, shown, &sink, deadline, arena, &outcome);
	member_close(w);
	if (d->unpacked)
		program_clear(w);
	budget_decoder_end(&w->budget);
	if (outcome.result == POSTERN_OK && (d->refused || walk_stopped(w)))
		outcome.result = POSTERN_LIMIT;
	if (outcome.result != POSTERN_OK && outcome.result != POSTERN_NOTHING)
		set_note(w, d->parent.parent, outcome.error);
	talloc_free(arena);
	return outcome.result;
}

/* What is known of a part after the decoders of one of its types. */
struct attempt {
	bool opened, broken, limited;
};

/* Another decoder has opened what earlier ones could not: what these complained of in their children is no more. */
static void supersede(struct walk *w, uint32_t parent, unsigned made_before)
{
	for (unsigned i = parent; i < made_before; i++) {
		struct part *p = &w->tree->parts[i];
		if (p->parent != parent)
			continue;
		if (p->attributes & PART_CRYPTED && !p->has_file)
			p->attributes |= PART_KEY_FOUND;
		p->attributes &= (uint16_t)~(PART_CRYPTED | PART_UNDECODABLE);
	}
	tree_part(w->tree, parent)->attributes &= (uint16_t)~(PART_CRYPTED | PART_UNDECODABLE);
}

static void conclude_call(struct walk *w, const struct pending *p, const struct plugin_instance *i, enum postern_result result,
	unsigned made_before, struct attempt *a)
{
	struct part *part = tree_part(w->tree, p->number);
	switch (result) {
	case POSTERN_OK:
		a->opened = true;
		part->decoder = talloc_strdup(w->owner, i->name);
		if (a->broken)
			supersede(w, p->number, made_before);
		break;
	case POSTERN_LIMIT:
		a->limited = true;
		budget_note(&w->budget, false, "%s", part->note ? part->note : "over a limit while decoding");
		break;
	case POSTERN_TEMPFAIL:
		walk_broken(w, ENOMEM, "%s", part->note ? part->note : i->name);
		break;
	case POSTERN_BROKEN:
		a->broken = true;
		break;
	case POSTERN_NOTHING:
		break;
	}
}

/* Decoders of one type in their order, until one opens the part. answers: of each of the order's, once for all types of the part. */
static void open_as(struct walk *w, const struct pending *p, const char *type, size_t length, size_t shown, int *answers, struct attempt *whole)
{
	const struct open_order *o = w->job->order;
	struct attempt a = { 0 };
	for (uint32_t k = 0; k < o->decoder_count && !a.opened && !a.limited && !walk_stopped(w); k++) {
		struct plugin_instance *i = queue_decoder(w, o->decoders[k]);
		if (!i || !queue_takes(i, type, length))
			continue;
		if (answers[k] == NOT_ASKED) {
			unsigned made_before = w->tree->count;
			answers[k] = (int)ask(w, i, o->decoders[k], shown);
			conclude_call(w, p, i, (enum postern_result)answers[k], made_before, &a);
		} else {
			a.opened |= answers[k] == POSTERN_OK;
			a.broken |= answers[k] == POSTERN_BROKEN;
		}
	}
	whole->opened |= a.opened;
	whole->limited |= a.limited;
	whole->broken |= a.broken && !a.opened;
}

/* What its children do not tell must reach the scanners by itself. */
static bool stands_for_itself(const struct part *p, const struct decoding *d, const struct attempt *a)
{
	unsigned doubts = PART_UNDECODABLE | PART_CRYPTED | PART_AMBIGUOUS;
	return !a->opened || a->broken || a->limited || d->keep || p->attributes & doubts;
}

static void conclude_part(struct walk *w, const struct pending *p, const struct attempt *a)
{
	struct part *part = tree_part(w->tree, p->number);
	bool container = queue_is_container(part->type_short);
	unsigned add = 0;
	if (!a->opened && p->locked)
		add |= PART_CRYPTED | PART_UNDECODABLE;
	if (a->broken || (!a->opened && !a->limited && container))
		add |= PART_UNDECODABLE;
	if (add & PART_UNDECODABLE && !p->wanted)
		set_note(w, p->number, "no decoder takes this type");
	part->attributes |= (uint16_t)add;
	if (queue_is_container_only(part->type_short) && !stands_for_itself(part, w->decoding, a))
		part->attributes |= PART_SPARED;
}

/* That nothing came of what it is said to be does not open it. */
static void open_as_declared(struct walk *w, const struct pending *p, size_t shown, int *answers, struct attempt *whole)
{
	unsigned left = p->declared;
	struct attempt declared = { 0 };
	const char *type;
	while (!declared.limited && !walk_stopped(w) && (type = declared_next(&left)))
		open_as(w, p, type, strlen(type), shown, answers, &declared);
	whole->limited |= declared.limited;
	whole->broken |= declared.broken;
}

/* Each type of a part is opened: a picture may be an archive too. */
static void open_by_decoders(struct walk *w, const struct pending *p)
{
	struct decoding *d = w->decoding;
	struct attempt whole = { 0 };
	int *answers = talloc_array(w->owner, int, w->job->order->decoder_count + 1);
	const char *types = tree_part(w->tree, p->number)->type_short, *type;
	bool asks = p->wanted || p->embeds || p->declared;
	size_t length, shown = asks ? show_part(w, tree_part(w->tree, p->number)) : 0;
	for (uint32_t k = 0; k < w->job->order->decoder_count; k++)
		answers[k] = NOT_ASKED;
	d->keep = p->declared != 0;	/* a reader may take it for something else; one decoder that says so is enough, too */
	d->parent = (struct place){ .parent = p->number, .index = d->next_index, .nesting = p->at.nesting + 1, .level = p->at.level };
	if (asks && (!budget_take_nesting(&w->budget, d->parent.nesting) || !walk_deeper(w, &d->parent)))
		whole.limited = true;
	while (p->wanted && !whole.limited && !walk_stopped(w) && (type = queue_next_type(&types, &length)))
		open_as(w, p, type, length, shown, answers, &whole);
	if (p->embeds && !whole.limited && !walk_stopped(w))
		open_as(w, p, DECODER_EMBEDDED, strlen(DECODER_EMBEDDED), shown, answers, &whole);
	if (p->declared && !whole.limited && !walk_stopped(w))
		open_as_declared(w, p, shown, answers, &whole);
	conclude_part(w, p, &whole);
	talloc_free(answers);
}

static void look_inside(struct walk *w, const struct pending *p)
{
	struct part copy = *tree_part(w->tree, p->number);
	size_t n;
	const uint8_t *data = part_file_map(w, p->number, LOOK_INSIDE_MAX_BYTES, &n);
	if (!data)
		return;
	unsigned before = w->tree->count;
	leaf_look_inside(w, &copy, (struct slice){ .data = data, .n = n }, p->at);
	part_file_unmap(data, n);
	for (unsigned i = before; i < w->tree->count; i++)
		w->decoding->next_index += w->tree->parts[i].parent == p->number;
}

void decode_run(struct walk *w)
{
	struct pending *p;
	while (w->decoding && !walk_stopped(w) && (p = g_queue_pop_head(w->decoding->queue))) {
		w->decoding->next_index = 1;
		if (p->look)
			look_inside(w, p);
		if (p->wanted || p->embeds || p->declared || p->locked || queue_is_container(tree_part(w->tree, p->number)->type_short))
			open_by_decoders(w, p);
		g_free(p);
	}
}

bool decode_is_business_of(const struct walk *w, const struct part *p)
{
	const struct part *above = p->parent > 0 ? tree_part(w->tree, p->parent) : NULL;
	return p->note || queue_is_container(p->type_short) || (above && (above->decoder || above->note));
}

void decode_clear(struct walk *w)
{
	if (!w->decoding)
		return;
	member_clear(w);
	if (w->decoding->passwords)
		g_ptr_array_free(w->decoding->passwords, TRUE);
	g_queue_free_full(w->decoding->queue, g_free);
	w->decoding = NULL;
}
