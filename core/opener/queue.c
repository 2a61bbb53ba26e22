/* queue.c - the parts that somebody can open, or that stay shut for want of who could: which they are, and in which order they come. */
#include "config.h"

#include "opener/declared.h"
#include "opener/decode.h"

#include <string.h>
#include <talloc.h>

/* Types that hold other files: without a decoder for them something stays unseen. */
static const char containers[] = "zip,7z,rar,tar,cpio,a,deb,rpm,cab,lha,arj,arc,zoo,ace,sit,iso,udf,gz,bz,bz2,xz,lzma,lzip,lzo,lrz,lz4,zst,Z,F,"
	"tnef,xar,chm,szdd,kwaj,warc,wim,alz,egg,squashfs,installshield,kmz,pgp.msg";

struct plugin_instance *queue_decoder(const struct walk *w, uint32_t number)
{
	const struct opener_job *j = w->job;
	struct plugin_instance *i = number < j->instance_count ? j->instances[number] : NULL;
	return i && i->plugin->decoder ? i : NULL;
}

bool queue_takes(const struct plugin_instance *i, const char *type, size_t length)
{
	return tree_type_in(plugin_decoder_types(i), '|', type, length);
}

/* Each short type of a part in turn. */
const char *queue_next_type(const char **list, size_t *length)
{
	const char *at = *list;
	if (!at || !*at)
		return NULL;
	*length = strcspn(at, ",");
	*list = at[*length] ? at + *length + 1 : at + *length;
	return at;
}

static bool anybody_takes(const struct walk *w, const char *types)
{
	const struct open_order *o = w->job->order;
	const char *type;
	size_t length;
	while ((type = queue_next_type(&types, &length)))
		for (uint32_t i = 0; i < o->decoder_count; i++) {
			const struct plugin_instance *d = queue_decoder(w, o->decoders[i]);
			if (d && queue_takes(d, type, length))
				return true;
		}
	return false;
}

bool queue_is_container(const char *types)
{
	const char *type;
	size_t length;
	while ((type = queue_next_type(&types, &length)))
		if (tree_type_in(containers, ',', type, length))
			return true;
	return false;
}

/* Other kinds may stand behind the first: a picture that is a zip archive, too. */
static bool begins_as_container(const char *types)
{
	return types && tree_type_in(containers, ',', types, strcspn(types, ","));
}

/* Nothing but containers: what was taken out of it is all of it. */
bool queue_is_container_only(const char *types)
{
	const char *type;
	size_t length;
	bool only = types && *types;
	while (only && (type = queue_next_type(&types, &length)))
		only = tree_type_in(containers, ',', type, length);
	return only;
}

static struct decoding *decoding_of(struct walk *w)
{
	if (!w->decoding) {
		w->decoding = talloc_zero(w->owner, struct decoding);
		w->decoding->queue = g_queue_new();
	}
	return w->decoding;
}

static unsigned wanted_as_declared(const struct walk *w, const struct node *n)
{
	unsigned all = declared_kinds((const char *const *)n->names->pdata, n->names->len, (const char *const *)n->mime_types->pdata, n->mime_types->len), wanted = 0;
	const char *type;
	for (unsigned before = all; (type = declared_next(&all)); before = all)
		if (!tree_type_in(n->record.type_short, ',', type, strlen(type)) && anybody_takes(w, type))
			wanted |= before & ~all;
	return wanted;
}

void queue_add(struct walk *w, const struct node *n, struct place at)
{
	const char *types = n->record.type_short;
	bool wanted = anybody_takes(w, types), embeds = n->embeds && !begins_as_container(types) && anybody_takes(w, DECODER_EMBEDDED);
	bool shut = w->job->order->decoder_count > 0 && queue_is_container(types);
	unsigned declared = wanted_as_declared(w, n);
	if (!wanted && !embeds && !declared && !n->hides && !shut && !n->locked)
		return;
	struct pending *p = g_new(struct pending, 1);
	*p = (struct pending){ .number = n->record.number, .at = at, .look = n->hides, .locked = n->locked, .wanted = wanted, .embeds = embeds,
		.declared = declared };
	g_queue_push_tail(decoding_of(w)->queue, p);
}
