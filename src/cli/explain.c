/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: moat explain. The running role policy is asked, which knows what it
 * has cached; without one, or with options of its own, the same engine runs
 * here, with an empty cache in a folder that is removed again.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/policy_settings.h"
#include "api/settings.h"
#include "base/log.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/sender.h"
#include "io/channel.h"
#include "io/fd.h"
#include "io/idn.h"
#include "outbound/explain.h"

#include "base/poison.h"

#define BODY_BYTES_MAX 4096u

static const struct arg_row options[] = {
	{ "here", NULL, "look it up here, not in the running moat", 0, false },
	{ "resolver", "ADDRESS", "ask this resolver (looks it up here)", 0,
		false },
	{ "ca", "FILE", "trust these certificates (looks it up here)", 0,
		false },
	{ "https-port", "PORT", "where policy hosts listen, in a laboratory", 0,
		false },
	{ "allow-private", NULL, "ask private addresses, in a laboratory", 0,
		false },
	{},
};

/* ---- through the running role */

/* Is there a running role, and may we ask it? */
static bool is_there(const struct cli *cli, const struct settings *set)
{
	const char *path =
		settings_run_path(set, cli->arena, SETTINGS_POLICY_SOCKET).p;
	struct err e = {};
	int fd = -1;
	enum status st = channel_connect(path, &fd, &e);

	fd_close(&fd);
	return st == ST_OK;
}

static int ask_role(
	struct cli *cli, const char *next_hop, const struct json **out)
{
	struct sbuf b = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);
	struct client_call call = { .socket = SETTINGS_POLICY_SOCKET,
		.method = "POST",
		.path = STR("/v1/explain") };

	json_open_object(&w, NULL);
	json_put_z(&w, "next_hop", next_hop);
	json_close_object(&w);
	if (!sbuf_ok(&b))
		return cli_usage(cli, "the domain is too long");
	call.body = sbuf_str(&b);
	return client_do(cli, &call, out);
}

/* ---- here */

struct here {
	struct loop *loop;
	struct policy_service *service;
	struct explain explain;
	char folder[4096];
	struct str json;
};

static void on_explained(void *ctx, struct str json)
{
	struct here *h = ctx;

	h->json = json;
	loop_stop(h->loop);
}

static enum status set_options(
	struct settings *set, const struct args *args, struct err *e)
{
	static const struct {
		const char *option, *setting;
	} rows[] = {
		{ "resolver", "policy.resolver" },
		{ "ca", "policy.ca_file" },
		{ "https-port", "policy.https_port" },
	};
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < sizeof(rows) / sizeof(*rows);
		i++) {
		const char *value = args_get(args, rows[i].option);

		if (value != NULL)
			st = settings_set(
				set, rows[i].setting, str_of(value), e);
	}
	if (st == ST_OK && args_flag(args, "allow-private"))
		st = settings_set(set, "policy.allow_private", STR("yes"), e);
	return st;
}

/* The folder with all that is in it: the cache's file and its lock. */
static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), d->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(path);
}

static enum status run_here(struct cli *cli, struct here *h,
	const struct settings *set, const struct policy_domain *domain,
	struct err *e)
{
	static const struct engine_hooks none = {};
	struct policy_service_options o = policy_settings_options(
		set, cli->arena);
	size_t n;
	struct engine_profile *profiles = policy_settings_profiles(
		set, cli->arena, &n);
	enum status st;

	o.cache_path = arena_fmt(cli->arena, "%s/policy.mdb", h->folder).p;
	o.cache.max_bytes = 64u << 20;
	o.cache.no_sync = true;
	h->loop = loop_new();
	log_set_level(LOG_ERROR); /* the steps say the rest */
	st = policy_service_open(h->loop, &o, &h->service, e);
	if (st != ST_OK)
		return st;
	policy_service_start(h->service, &none);
	explain_start(&h->explain, policy_service_engine(h->service), h->loop,
		cli->arena, profiles, n, domain, ENGINE_ANEW, on_explained, h);
	loop_run(h->loop);
	return ST_OK;
}

static int ask_here(struct cli *cli, const struct settings *set,
	const struct policy_domain *domain, const struct json **out)
{
	const char *tmp = getenv("TMPDIR");
	struct here h = {};
	struct json *tree = NULL;
	struct err e = {};
	enum status st;

	(void)snprintf(h.folder, sizeof(h.folder), "%s/moat-explain-XXXXXX",
		tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(h.folder) == NULL) {
		(void)err_sys(&e, ST_PERM, errno, "%s", h.folder);
		return cli_failed(cli, &e);
	}
	st = run_here(cli, &h, set, domain, &e);
	policy_service_free(&h.service);
	loop_free(&h.loop);
	remove_folder(h.folder);
	if (st == ST_OK)
		st = json_parse(cli->arena, h.json, JSON_LIMITS_DEFAULT, &tree,
			NULL, &e);
	if (st != ST_OK)
		return cli_failed(cli, &e);
	*out = tree;
	return CLI_GOOD;
}

/* ---- the command */

static bool wants_here(const struct args *args)
{
	return args_flag(args, "here") || args_flag(args, "allow-private") ||
	       args_get(args, "resolver") != NULL ||
	       args_get(args, "ca") != NULL ||
	       args_get(args, "https-port") != NULL;
}

static int explain(struct cli *cli, const struct args *args,
	const struct settings *set, const struct policy_domain *domain)
{
	bool here = wants_here(args) || !is_there(cli, set);
	const struct json *answer = NULL;
	int code = here ? ask_here(cli, set, domain, &answer)
			: ask_role(cli, args->words.items[0], &answer);

	if (code != CLI_GOOD)
		return code;
	if (here && cli->json)
		cli_json_tree(cli, answer);
	if (cli->json)
		return sender_verdict(answer);
	if (here)
		(void)fprintf(cli->out,
			"Looked up here, as if for the first time: nothing is "
			"known from before.\n\n");
	return sender_print_explained(cli, answer);
}

static int run(struct cli *cli, const struct args *args)
{
	struct settings *set = NULL;
	struct policy_domain domain;
	struct err e = {};
	int code;

	if (args->words.n != 1)
		return cli_usage(cli, "exactly one domain is needed");
	if (policy_domain_parse(cli->arena, str_of(args->words.items[0]),
		    idn_to_ascii, &domain) != ST_OK)
		return cli_usage(cli,
			"%s is no domain that a policy is for (addresses and "
			"parents of domains have none)",
			args->words.items[0]);
	if (client_settings(cli, &set, &e) != ST_OK ||
		set_options(set, args, &e) != ST_OK)
		code = cli_failed_remedy(cli, &e,
			"correct the option or the configuration file");
	else
		code = explain(cli, args, set, &domain);
	settings_free(&set);
	return code;
}

const struct command cmd_explain = {
	.name = "explain",
	.words = "DOMAIN",
	.summary = "How mail to a domain must be delivered, and why",
	.options = options,
	.run = run,
};
