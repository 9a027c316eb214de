/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_settings: settings to options of io/resolver. */
#include "daemon/resolver_settings.h"

#include "api/settings.h"
#include "api/stub_settings.h"

#include "base/poison.h"

struct resolver_options resolver_settings_read(
	struct role_env *env, struct arena *a)
{
	const struct settings *set = env->settings;
	struct resolver_options r = {};

	r.servers = settings_list(set, "probe.resolver", &r.n_servers);
	r.stubs = stub_settings_read(set, "probe.stubs", a, &r.n_stubs);
	r.root_anchor = settings_str(set, "probe.root_anchor").p;
	if (str_eq(settings_str(set, "probe.dnssec"), STR("off")))
		r.dnssec = RESOLVER_OFF;
	role_allow_read(env, r.root_anchor);
	return r;
}
