/* SPDX-License-Identifier: Apache-2.0 */
/* roles: the table of all roles. */
#include <string.h>

#include "api/settings.h"
#include "daemon/role.h"
#include "daemon/roles.h"

#include "base/poison.h"

const struct role *const roles[] = {
	&role_acme,
	&role_console,
	&role_digest,
	&role_dns,
	&role_edge,
	&role_imap,
	&role_keeper,
	&role_lmtp,
	&role_notify,
	&role_policy,
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

bool role_chosen(const struct settings *set, const struct role *role)
{
	size_t n;
	const struct str *list = settings_list(set, "server.roles", &n);

	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i], str_of(role->name)))
			return true;
	return false;
}

size_t roles_check(const struct settings *set, settings_say *say, void *ctx)
{
	const char *names[sizeof(roles) / sizeof(roles[0])];
	size_t n = 0;

	for (; roles[n] != NULL; n++)
		names[n] = roles[n]->name;
	names[n] = NULL;
	return settings_check(set, names, say, ctx);
}
