/* SPDX-License-Identifier: Apache-2.0 */
/* api_system: what runs, and the provider's own records. */
#include <fcntl.h>
#include <unistd.h>

#include "api/api.h"
#include "api/settings.h"
#include "base/log.h"
#include "io/fd.h"
#include "io/spool.h"
#include "store/store.h"

#include "base/poison.h"

#define STATUS_BYTES_MAX (1u << 20)
#define SPOOL_COUNT_MAX 100000
#define NODES_MAX_AGE_S STORE_NODE_DEAD_S

/* ---- status */

/* The supervisor's file, as a tree; NULL if it cannot be read. */
static const struct json *read_roles(struct api_call *c)
{
	struct str path = settings_run_path(
		c->env->settings, c->a, SETTINGS_STATUS);
	int fd = open(path.p, O_RDONLY | O_CLOEXEC);
	char *p = arena_alloc(c->a, STATUS_BYTES_MAX);
	struct json *tree = NULL;
	struct err e = {};
	ssize_t n;

	if (fd < 0 || p == NULL)
		return NULL;
	n = read(fd, p, STATUS_BYTES_MAX);
	fd_close(&fd);
	if (n <= 0 || json_parse(c->a, (struct str){ p, (size_t)n },
			      JSON_LIMITS_DEFAULT, &tree, NULL, &e) != ST_OK)
		return NULL;
	return tree;
}

static void put_view(struct api_call *c)
{
	struct store_node *nodes;
	int64_t first = 0, last = 0;
	struct err e = {};
	size_t n;

	if (store_change_range(c->env->store, &first, &last, &e) != ST_OK ||
		store_node_list(c->env->store, c->a, &nodes, &n, &e) != ST_OK)
		return;
	json_open_object(&c->w, "view");
	json_put_int(&c->w, "changes", last);
	json_open_array(&c->w, "nodes");
	for (size_t i = 0; i < n; i++) {
		json_open_object(&c->w, NULL);
		json_put_str(&c->w, "name", nodes[i].name);
		json_put_int(&c->w, "applied", nodes[i].applied_seq);
		json_put_int(&c->w, "seen", nodes[i].seen);
		json_put_int(&c->w, "zone_serial", nodes[i].zone_serial);
		json_put_bool(&c->w, "alive",
			nodes[i].seen + NODES_MAX_AGE_S >= c->now);
		json_close_object(&c->w);
	}
	json_close_array(&c->w);
	json_close_object(&c->w);
}

static void put_spool(struct api_call *c)
{
	static const struct {
		const char *name;
		enum spool_folder folder;
	} folders[] = { { "waiting", SPOOL_NEW }, { "unreadable", SPOOL_BAD } };
	struct spool_names names;
	struct err e = {};

	if (c->env->spool == NULL)
		return;
	json_open_object(&c->w, "spool");
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		names = (struct spool_names){};
		if (spool_list(c->env->spool, folders[i].folder,
			    SPOOL_COUNT_MAX, c->a, &names, &e) == ST_OK)
			json_put_int(&c->w, folders[i].name, (int64_t)names.n);
	}
	json_close_object(&c->w);
}

static void put_certificates(struct api_call *c)
{
	int64_t count, unfinished, failing;
	struct store *s = c->env->store;
	struct store_cert first = {};
	struct err e = {};
	enum status st;

	if (store_cert_count(s, &count, &e) != ST_OK ||
		store_acme_order_count(s, &unfinished, &failing, &e) != ST_OK)
		return;
	st = store_cert_first_end(s, c->a, &first, &e);
	json_open_object(&c->w, "certificates");
	json_put_int(&c->w, "count", count);
	json_put_int(&c->w, "failing", failing);
	if (st == ST_OK) {
		json_put_str(&c->w, "next_host", first.host);
		json_put_int(&c->w, "next_not_after", first.not_after);
	}
	json_close_object(&c->w);
	json_open_object(&c->w, "orders");
	json_put_int(&c->w, "queued", unfinished);
	json_close_object(&c->w);
}

void api_status_show(struct api_call *c)
{
	const struct json *roles = read_roles(c);
	struct err e = {};
	int64_t domains;

	json_open_object(&c->w, NULL);
	json_put_z(&c->w, "version", MOAT_VERSION);
	json_put_int(&c->w, "now", c->now);
	json_put_str(&c->w, "zone", settings_str(c->env->settings, "dns.zone"));
	if (roles != NULL)
		json_put_tree(&c->w, "roles", json_get(roles, "roles"));
	if (store_domain_count(c->env->store, &domains, &e) == ST_OK)
		json_put_int(&c->w, "domains", domains);
	put_certificates(c);
	put_view(c);
	put_spool(c);
	if (api_put_mailboxes(c, &e) != ST_OK)
		LOG(LOG_WARN, "status.no_mailboxes", KV_Z("reason", e.text));
	json_close_object(&c->w);
}

void api_view_rebuild(struct api_call *c)
{
	struct store_audit audit = { .tenant = STORE_TENANT_SYSTEM,
		.at = c->now,
		.actor = c->actor,
		.action = STR("view.rebuild") };
	struct err e = {};
	int64_t seq;
	enum status st = store_begin(c->env->store, &e);

	if (st == ST_OK)
		st = store_change_add(c->env->store, STORE_CHANGE_REBUILD,
			STORE_TENANT_SYSTEM, STR(""), &seq, &e);
	if (st == ST_OK)
		st = store_audit_add(c->env->store, &audit, &e);
	if (st == ST_OK)
		st = store_commit(c->env->store, &e);
	if (st != ST_OK) {
		store_rollback(c->env->store);
		api_fail(c, st, &e);
		return;
	}
	c->code = 202;
	json_open_object(&c->w, NULL);
	json_put_int(&c->w, "change", seq);
	json_close_object(&c->w);
}

/* ---- setup: the records that the provider publishes in its own zones */

struct wanted {
	struct str owner, type, value, why;
	bool any; /* another value than this will do */
};

/* "0 .": the host takes no mail (RFC 7505 section 3). */
static bool is_null_mx(const struct wanted *r, struct str found)
{
	return str_eq(r->type, STR("MX")) && str_ends(found, STR(" ."));
}

/* Is it there? Its value is then that in DNS. */
static bool look_up(
	struct api_call *c, struct wanted *r, struct probe_finding *f)
{
	struct sbuf q = sbuf_arena(c->a, 2048);
	struct json_writer w = json_writer_of(&q, 0);

	json_open_object(&w, NULL);
	json_put_z(&w, "probe", "lookup");
	json_put_str(&w, "name", r->owner);
	json_put_str(&w, "type", r->type);
	json_close_object(&w);
	probe_ask(&c->env->probe, c->a, sbuf_str(&q), f);
	for (size_t i = 0; i < f->n_found; i++) {
		struct str found = f->found[i];

		if (is_null_mx(r, found)) {
			f->detail = STR("a null MX: it takes no mail (RFC "
					"7505)");
			f->n_found = 0;
			return false;
		}
		if (str_ends(found, STR(".")))
			found.n--;
		if (r->any || str_eq_nocase(found, r->value)) {
			r->value = found;
			return true;
		}
	}
	return false;
}

static void put_wanted(struct api_call *c, struct wanted r, bool check)
{
	struct probe_finding f = {};
	bool hit = check && look_up(c, &r, &f);

	json_open_object(&c->w, NULL);
	json_put_str(&c->w, "owner", r.owner);
	json_put_str(&c->w, "type", r.type);
	json_put_str(&c->w, "value", r.value);
	json_put_str(&c->w, "why", r.why);
	if (check) {
		json_put_z(&c->w, "result",
			f.result == PROBE_UNKNOWN ? "unknown"
			: hit			  ? "pass"
						  : "fail");
		json_put_str(&c->w, "detail",
			hit		? STR("as it should be")
			: f.n_found > 0 ? STR("something else is there")
					: f.detail);
	}
	json_close_object(&c->w);
}

static struct str type_of_ip(struct str ip)
{
	return str_index(ip, ':') >= 0 ? STR("AAAA") : STR("A");
}

static void put_addresses(
	struct api_call *c, struct str owner, struct str why, bool check)
{
	size_t n;
	const struct str *ips = settings_list(
		c->env->settings, "edge.addresses", &n);

	for (size_t i = 0; owner.n > 0 && i < n; i++)
		put_wanted(c,
			(struct wanted){
				owner, type_of_ip(ips[i]), ips[i], why, false },
			check);
}

static void put_delegation(struct api_call *c, bool check)
{
	const struct settings *set = c->env->settings;
	struct str zone = settings_str(set, "dns.zone");
	size_t n;
	const struct str *list = settings_list(set, "dns.name_servers", &n);

	for (size_t i = 0; i < n; i++)
		put_wanted(c,
			(struct wanted){ zone, STR("NS"), list[i],
				STR("delegates the zone to moat; goes into "
				    "the zone above"),
				false },
			check);
	list = settings_list(set, "dns.name_server_addresses", &n);
	for (size_t i = 0; i < n; i++) {
		struct str ip = list[i], name = str_cut(&ip, '=');

		put_wanted(c,
			(struct wanted){ name, type_of_ip(ip), ip,
				STR("glue: the address of a name server; goes "
				    "beside the NS records"),
				false },
			check);
	}
}

/* What moat.conf lacks before a stranger can be served. */
static void put_missing(struct api_call *c)
{
	static const struct {
		const char *key, *why;
	} keys[] = {
		{ "dns.zone", "the zone behind the CNAMEs of customers" },
		{ "dns.name_servers", "the names in the zone's NS records" },
		{ "edge.addresses", "the addresses strangers reach moat at" },
		{ "report.host", "where other systems send TLS reports" },
	};

	json_open_array(&c->w, "missing");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (settings_str(c->env->settings, keys[i].key).n > 0)
			continue;
		json_open_object(&c->w, NULL);
		json_put_z(&c->w, "setting", keys[i].key);
		json_put_z(&c->w, "why", keys[i].why);
		json_close_object(&c->w);
	}
	json_close_array(&c->w);
}

void api_setup_show(struct api_call *c)
{
	const struct settings *set = c->env->settings;
	bool check = str_eq(api_query(c, "check"), STR("yes"));
	struct str rua = settings_str(set, "report.host");

	json_open_object(&c->w, NULL);
	put_missing(c);
	json_open_array(&c->w, "records");
	put_delegation(c, check);
	put_addresses(c, rua,
		STR("the host that takes reports over HTTPS and mail"), check);
	if (rua.n > 0)
		put_wanted(c,
			(struct wanted){ rua, STR("MX"),
				arena_fmt(c->a, "10 %.*s", STR_ARG(rua)),
				STR("the mail server that hands reports to "
				    "moat"),
				true },
			check);
	put_addresses(c, settings_str(set, "console.host"), STR("the console"),
		check);
	json_close_array(&c->w);
	json_close_object(&c->w);
}
