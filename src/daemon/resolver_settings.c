/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_settings: settings to options of io/resolver. */
#include "daemon/resolver_settings.h"

#include "api/settings.h"
#include "base/bug.h"

#include "base/poison.h"

static enum status read_stubs(const struct settings *set, struct arena *a,
	struct resolver_options *out, struct err *e)
{
	size_t n;
	const struct str *list = settings_list(set, "probe.stubs", &n);
	struct resolver_stub *stubs = arena_array(a, n + 1, sizeof(*stubs));

	BUG(stubs == NULL);
	for (size_t i = 0; i < n; i++) {
		struct str rest = list[i];

		stubs[i].zone = str_cut(&rest, '=');
		stubs[i].server = rest;
		if (rest.p == NULL)
			return err_set(e, ST_INVALID,
				"probe.stubs: \"%s\" is not ZONE=ADDRESS:PORT",
				list[i].p);
	}
	out->stubs = stubs;
	out->n_stubs = n;
	return ST_OK;
}

enum status resolver_settings_read(struct role_env *env, struct arena *a,
	struct resolver_options *out, struct err *e)
{
	const struct settings *set = env->settings;
	struct resolver_options r = {};
	enum status st;

	r.servers = settings_list(set, "probe.resolver", &r.n_servers);
	r.root_anchor = settings_str(set, "probe.root_anchor").p;
	if (str_eq(settings_str(set, "probe.dnssec"), STR("off")))
		r.dnssec = RESOLVER_OFF;
	role_allow_read(env, r.root_anchor);
	st = read_stubs(set, a, &r, e);
	if (st == ST_OK)
		*out = r;
	return st;
}
