/* SPDX-License-Identifier: Apache-2.0 */
/* public_suffix: libpsl, which wants strings that end in a NUL. */
#include <string.h>

#include <libpsl.h>

#include "io/public_suffix.h"

#include "base/mem.h"
#include "proto/host_name.h"

#include "base/poison.h"

struct public_suffix {
	psl_ctx_t *psl; /* NULL: libpsl has no list at all */
};

struct public_suffix *public_suffix_open(void)
{
	struct public_suffix *p = mem_must(sizeof(*p));

	p->psl = psl_latest(NULL);
	return p;
}

void public_suffix_close(struct public_suffix **p)
{
	if (*p == NULL)
		return;
	psl_free((*p)->psl);
	mem_free(*p);
	*p = NULL;
}

/* Without a list: the last two labels. */
static struct str last_two(struct str domain)
{
	size_t dots = 0, i = domain.n;

	while (i > 0 && (domain.p[i - 1] != '.' || ++dots < 2))
		i--;
	return str_from(domain, i);
}

struct str public_suffix_registrable(
	const struct public_suffix *p, struct str domain)
{
	char name[HOST_NAME_BYTES_MAX + 1];
	const char *found;

	if (p->psl == NULL)
		return last_two(domain);
	if (domain.n >= sizeof(name))
		return domain;
	memcpy(name, domain.p, domain.n);
	name[domain.n] = '\0';
	found = psl_registrable_domain(p->psl, name);
	return found == NULL ? domain
			     : str_from(domain, (size_t)(found - name));
}
