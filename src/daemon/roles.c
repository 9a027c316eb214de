/* SPDX-License-Identifier: Apache-2.0 */
/* roles: the table of all roles. */
#include <string.h>

#include "daemon/role.h"
#include "daemon/roles.h"

#include "base/poison.h"

const struct role *const roles[] = {
	&role_acme,
	&role_console,
	&role_digest,
	&role_dns,
	&role_edge,
	&role_keeper,
	&role_probe,
	NULL,
};

const struct role *role_find(const char *name)
{
	for (const struct role *const *r = roles; *r != NULL; r++)
		if (strcmp((*r)->name, name) == 0)
			return *r;
	return NULL;
}
