/* pdf.c - PDF: embedded files, scripts and what starts programs, out of all objects that any reader could see.
 *
 * The reader is our own: libqpdf holds twice what a stream unpacks to in memory
 * and cannot be stopped on the way (400 kB became 820 MB), and it reads the file
 * that the table of objects tells of, not what else is in it. */
#include <postern/plugin.h>

#include <stdlib.h>

#include "crypto.h"
#include "pdf_file.h"

#define NAMES_PER_FILE_MAX 40		/* the host tells where there are more than it takes */
#define NAME_MAX_BYTES 16384
#define NAMES_MAX_BYTES (16u * 1024 * 1024)	/* of all files, however often a name is referred to */

struct pdf_job {
	struct postern_call *call;
	struct pdf_file file;
	struct pdf_object *object;	/* whose dictionaries are walked over */
	bool over, ambiguous;
	size_t name_bytes;
	bool scripts, starts;		/* there are some; something is done when it is opened */
	bool damaged;
};

/* --- children --- */

static bool write_child(void *context, const uint8_t *data, size_t n)
{
	return postern_child_write(context, data, n);
}

/* A child under way gets the stream's content, and its end. */
static void finish_with_stream(struct pdf_job *j, const struct pdf_object *o, const struct pdf_dict *d, struct span raw, bool embedded)
{
	enum pdf_filtered r = pdf_file_read(&j->file, o, d, raw, embedded, (struct pdf_sink){ write_child, j->call });
	bool locked = j->file.encrypted && !j->file.open;
	if (j->file.uncertain_end && d->value[PDF_Filter].n == 0)
		postern_child_attribute(j->call, 'B');
	if (r == PDF_DAMAGED)
		postern_child_attribute(j->call, locked ? 'C' : 'U');
	j->damaged |= r == PDF_DAMAGED && !locked;
	j->over |= r == PDF_STOPPED || !postern_child_end(j->call);
}

static void put_stream(struct pdf_job *j, struct pdf_object *o, const char *name, char letter)
{
	struct pdf_dict d;
	struct span raw;
	if (o->taken || j->over || !pdf_file_stream(&j->file, o, &d, &raw))
		return;
	o->taken = true;
	if (!postern_child_begin(j->call, name)) {
		j->over = true;
		return;
	}
	if (letter)
		postern_child_attribute(j->call, letter);
	finish_with_stream(j, o, &d, raw, false);
}

static void put_text(struct pdf_job *j, const char *name, struct span text, char letter)
{
	if (text.n == 0 || j->over)
		return;
	j->over = !postern_child_begin(j->call, name);
	if (j->over)
		return;
	postern_child_attribute(j->call, letter);
	j->over = !postern_child_write(j->call, text.at, text.n) || !postern_child_end(j->call);
}

/* Every object that a value refers to. */
static void each_referred(struct pdf_job *j, struct span value, void (*each)(struct pdf_job *j, struct pdf_object *o, void *context), void *context)
{
	uint32_t number, generation;
	size_t count;
	if (!pdf_reference(value, &number, &generation))
		return;
	struct pdf_object *o = pdf_file_find(&j->file, number, &count);
	for (size_t i = 0; i < count && !j->over; i++) {
		each(j, &o[i], context);
		j->over |= !postern_may_go_on(j->call);
	}
}

/* --- embedded files: specifications name the streams, a stream may have several --- */

struct file_name { struct file_name *next; const char *text; };

struct file_names { const char *names[NAMES_PER_FILE_MAX]; unsigned count; };

static void add_string(struct pdf_job *j, const struct pdf_object *o, struct span value, struct file_names *names)
{
	struct span string = pdf_file_string(&j->file, o, span_sub(value, 0, NAME_MAX_BYTES));
	j->name_bytes += string.n;
	j->file.limit |= j->name_bytes > NAMES_MAX_BYTES;
	if (string.n > 0 && names->count < NAMES_PER_FILE_MAX && !j->file.limit)
		names->names[names->count++] = pdf_text(j->call, string);
}

static void add_referred(struct pdf_job *j, struct pdf_object *o, void *context)
{
	add_string(j, o, o->body, context);
}

static void add_name(struct pdf_job *j, struct span value, struct file_names *names)
{
	add_string(j, j->object, value, names);
	each_referred(j, value, add_referred, names);
}

static void name_file(struct pdf_job *j, struct pdf_object *o, void *context)
{
	const struct file_names *names = context;
	o->is_file = true;
	for (unsigned i = 0; i < names->count; i++) {
		struct file_name **at = &o->names;
		unsigned count = 0;
		for (; *at && count < NAMES_PER_FILE_MAX && strcmp((*at)->text, names->names[i]) != 0; at = &(*at)->next)
			count++;
		if (*at || count == NAMES_PER_FILE_MAX)
			continue;
		*at = postern_alloc(j->call, sizeof **at);
		(*at)->text = names->names[i];
	}
}

static const enum pdf_key file_keys[] = { PDF_UF, PDF_F, PDF_Unix, PDF_DOS, PDF_Mac };
#define FILE_KEY_COUNT (sizeof file_keys / sizeof *file_keys)

static void name_files(struct pdf_job *j, struct span streams, struct file_names *names)
{
	struct pdf_dict ef;
	size_t end;
	for (size_t i = 0; pdf_read_dict(streams, &ef, &end) && i < FILE_KEY_COUNT; i++)
		each_referred(j, ef.value[file_keys[i]], name_file, names);
}

static void name_referred(struct pdf_job *j, struct pdf_object *o, void *context)
{
	name_files(j, pdf_file_body(&j->file, o), context);
}

static void take_specification(struct pdf_job *j, const struct pdf_dict *d)
{
	struct file_names names = { 0 };
	for (size_t i = 0; i < FILE_KEY_COUNT; i++)
		add_name(j, d->value[file_keys[i]], &names);
	name_files(j, d->value[PDF_EF], &names);
	each_referred(j, d->value[PDF_EF], name_referred, &names);
}

/* All of its specifications are known; there may be none. That it is a script or a form, too, takes no name from it. */
static void put_file(struct pdf_job *j, struct pdf_object *o)
{
	struct pdf_dict d;
	struct span raw;
	if (!pdf_file_stream(&j->file, o, &d, &raw))
		return;
	j->over |= !postern_child_begin(j->call, o->names ? o->names->text : NULL);
	for (const struct file_name *n = o->names ? o->names->next : NULL; n && !j->over; n = n->next)
		postern_child_name(j->call, n->text);
	if (!j->over)
		finish_with_stream(j, o, &d, raw, true);
}

/* --- actions --- */

static void put_script(struct pdf_job *j, struct pdf_object *o, void *context)
{
	struct pdf_object *before = j->object;
	(void)context;
	if (!o->taken) {
		put_stream(j, o, "script.js", 'M');
		j->object = o;
		if (!o->taken) {		/* a string that is an object of its own */
			o->taken = true;
			put_text(j, "script.js", pdf_file_string(&j->file, o, pdf_file_body(&j->file, o)), 'M');
		}
		j->object = before;
	}
}

static void put_action(struct pdf_job *j, const struct pdf_dict *d)
{
	struct span script = d->value[PDF_JS];
	uint32_t number, generation;
	j->scripts = true;
	if (pdf_reference(script, &number, &generation))
		each_referred(j, script, put_script, NULL);
	else
		put_text(j, "script.js", pdf_file_string(&j->file, j->object, script), 'M');
}

/* What a program is started with; its parameters stand in the file as they are. */
static void put_launch(struct pdf_job *j, const struct pdf_dict *d)
{
	struct span parameters = d->value[PDF_Win].n > 0 ? d->value[PDF_Win] : d->value[PDF_F];
	j->starts = j->scripts = true;
	put_text(j, "launch.txt", parameters, 'X');
}

static void put_form(struct pdf_job *j, struct pdf_object *o, void *context)
{
	(void)context;
	put_stream(j, o, "form.xml", 0);
}

static void put_form_pieces(struct pdf_job *j, struct span array)
{
	struct span piece;
	for (size_t at = 0; !j->over && (piece = pdf_next(array, &at)).n > 0;)
		each_referred(j, piece, put_form, NULL);
}

/* A stream, or the array. */
static void put_referred_forms(struct pdf_job *j, struct pdf_object *o, void *context)
{
	struct span body = pdf_file_body(&j->file, o);
	if (span_8(body, pdf_skip_space(body, 0)) == '[' && !o->taken) {
		o->taken = true;
		put_form_pieces(j, body);
	}
	put_form(j, o, context);
}

/* XFA: one stream, or an array of names and streams. */
static void put_forms(struct pdf_job *j, struct span value)
{
	if (span_8(value, pdf_skip_space(value, 0)) == '[')
		put_form_pieces(j, value);
	else
		each_referred(j, value, put_referred_forms, NULL);
}

static bool look_at_dictionary(void *context, const struct pdf_dict *d)
{
	struct pdf_job *j = context;
	j->object->is_file |= d->depth == 1 && pdf_is_name(d->value[PDF_Type], "EmbeddedFile");
	if (d->value[PDF_EF].n > 0)
		take_specification(j, d);
	if (d->value[PDF_JS].n > 0)
		put_action(j, d);
	if (pdf_is_name(d->value[PDF_S], "Launch"))
		put_launch(j, d);
	if (d->value[PDF_XFA].n > 0)
		put_forms(j, d->value[PDF_XFA]);
	j->ambiguous |= d->doubled && (d->value[PDF_EF].n > 0 || d->value[PDF_JS].n > 0 || d->value[PDF_Win].n > 0 || pdf_is_name(d->value[PDF_S], "Launch"));
	j->starts |= d->value[PDF_OpenAction].n > 0 || d->value[PDF_AA].n > 0 || (d->value[PDF_JavaScript].n > 0 && d->value[PDF_JS].n == 0);
	return !j->over;
}

/* --- the file --- */

static void walk_objects(struct pdf_job *j)
{
	struct pdf_file *f = &j->file;
	for (size_t i = 0; i < f->count && !j->over; i++) {
		j->object = &f->objects[i];
		f->walked += pdf_walk(pdf_file_body(f, j->object), &(struct pdf_visitor){ look_at_dictionary, j, &f->damaged });
		j->over |= !postern_may_go_on(j->call);
	}
}

static void put_files(struct pdf_job *j)
{
	struct pdf_file *f = &j->file;
	for (size_t i = 0; i < f->count && !j->over; i++) {
		if (!f->objects[i].is_file)
			continue;
		put_file(j, &f->objects[i]);
		j->over |= !postern_may_go_on(j->call);
	}
}

static enum postern_result conclude(struct pdf_job *j)
{
	struct pdf_file *f = &j->file;
	if (f->encrypted && !f->open)
		postern_part_attribute(j->call, 'C');
	if (j->scripts)
		postern_part_attribute(j->call, 'M');
	if (j->scripts && j->starts)
		postern_part_attribute(j->call, 'X');
	if (j->ambiguous || f->ambiguous)
		postern_part_attribute(j->call, 'B');
	if (f->limit && !j->over)
		return postern_fail(j->call, POSTERN_LIMIT, "more objects than this reader takes");
	if (j->over)
		return POSTERN_LIMIT;
	return f->damaged || j->damaged ? postern_fail(j->call, POSTERN_BROKEN, "a stream cannot be decoded, or something nests too deep") : POSTERN_OK;
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct pdf_job j = { .call = call };
	struct span data;
	data.at = postern_part_data(call, part, &data.n);
	if (!data.at)
		return POSTERN_TEMPFAIL;
	postern_part_keep(call);
	pdf_file_open(&j.file, call, data, postern_password);
	walk_objects(&j);
	put_files(&j);
	enum postern_result result = conclude(&j);
	pdf_file_close(&j.file);
	return result;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "pdf", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "pdf", .version = "1", .doc = "Opens PDF: embedded files, scripts, encrypted files by the empty password.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .load = crypto_load, .decoder = &decoder_ops,
};
