/* fuzz_address.c - any bytes as the path of MAIL or RCPT: what was taken can be unquoted, quoted and split. */
#include "config.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(void *owner, const char *text, bool utf8)
{
	const char *end, *why = NULL;
	char *local, *domain, *user, *extension;
	char *path = address_parse_path(owner, text, utf8, &end, &why);
	if (!path && !why)
		abort();
	char *plain = address_unquote(owner, path ? path : text);
	/* Quoting must lead back to the same address, or a mail would go to somebody else. */
	char *quoted = address_quote(owner, plain);
	if (strcmp(address_unquote(owner, quoted), plain) != 0)
		abort();
	address_split(owner, plain, &local, &domain);
	address_split_extension(owner, local, "+-", &user, &extension);
	if (strlen(user) + (extension ? strlen(extension) : 0) != strlen(local))
		abort();
	if (domain)
		address_domain_normalise(owner, domain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = talloc_new(NULL);
	char *text = talloc_strndup(owner, (const char *)data, size);
	use(owner, text, false);
	use(owner, text, true);
	char **list = address_list_parse(owner, text, 5);
	for (int i = 0; list[i]; i++)
		if (i >= 5 || !strchr(list[i], '@'))
			abort();
	talloc_free(owner);
	return 0;
}
