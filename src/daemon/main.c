/* SPDX-License-Identifier: Apache-2.0 */
/* main: moatd, the supervisor, or one role of it (see moatd(8)). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/settings.h"
#include "base/log.h"
#include "base/num.h"
#include "daemon/inherit.h"
#include "daemon/role_process.h"
#include "daemon/roles.h"
#include "daemon/supervisor.h"
#include "intake/digest_child.h"
#include "intake/digest_starter.h"

#include "base/poison.h"

#define EXIT_USAGE 64
#define CONFIG_MAX_BYTES (1u << 20)

struct options {
	const char *config; /* NULL: SETTINGS_FILE if it is there */
	const char *role;
	const char *worker;	/* "i/n" */
	const char *supervisor; /* pid */
	bool show_config, check_config, version, help;
};

enum {
	OPT_CONFIG = 'c',
	OPT_HELP = 'h',
	OPT_ROLE = 256,
	OPT_WORKER,
	OPT_SUPERVISOR,
	OPT_SHOW_CONFIG,
	OPT_CHECK_CONFIG,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "role", required_argument, NULL, OPT_ROLE },
	{ "worker", required_argument, NULL, OPT_WORKER },
	{ "supervisor", required_argument, NULL, OPT_SUPERVISOR },
	{ "show-config", no_argument, NULL, OPT_SHOW_CONFIG },
	{ "check-config", no_argument, NULL, OPT_CHECK_CONFIG },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{},
};

static const char usage[] =
	"usage: moatd [-c FILE] [--show-config | --check-config]\n"
	"\n"
	"  -c, --config FILE  read this instead of " SETTINGS_FILE "\n"
	"  --show-config      print all settings with the values in effect\n"
	"  --check-config     say whether the configuration file is right\n"
	"  --role NAME        be one role, as the supervisor starts it\n"
	"  --worker I/N       with --role: which of its processes\n"
	"  --supervisor PID   with --role: end when this process does\n"
	"  --version          print the version\n"
	"  --help             print this\n"
	"\n"
	"More in moatd(8) and moat.conf(5).\n";

static bool read_options(int argc, char **argv, struct options *o)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "c:h", long_options, NULL)) !=
		-1) {
		switch (opt) {
		case OPT_CONFIG:
			o->config = optarg;
			break;
		case OPT_ROLE:
			o->role = optarg;
			break;
		case OPT_WORKER:
			o->worker = optarg;
			break;
		case OPT_SUPERVISOR:
			o->supervisor = optarg;
			break;
		case OPT_SHOW_CONFIG:
			o->show_config = true;
			break;
		case OPT_CHECK_CONFIG:
			o->check_config = true;
			break;
		case OPT_VERSION:
			o->version = true;
			break;
		case OPT_HELP:
			o->help = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

static int fail(const struct err *e)
{
	(void)fprintf(stderr, "moatd: %s\n", e->text);
	return EXIT_FAILURE;
}

static enum status load(struct options *o, struct settings **set, struct err *e)
{
	if (o->config == NULL && access(SETTINGS_FILE, F_OK) == 0)
		o->config = SETTINGS_FILE;
	if (o->config != NULL)
		return settings_load(o->config, set, e);
	*set = settings_new();
	return ST_OK;
}

static void set_log_level(const struct settings *set)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	struct str level = settings_str(set, "server.log_level");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_eq(level, str_of(names[i])))
			log_set_level((enum log_level)i);
}

static int show_config(const struct settings *set)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, CONFIG_MAX_BYTES);
	bool ok;

	settings_write(set, &b);
	ok = fwrite(b.p, 1, b.n, stdout) == b.n && fflush(stdout) == 0;
	arena_free(&a);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void print_finding(
	void *ctx, enum settings_level level, const char *text)
{
	enum settings_level *least = ctx;

	if (level >= *least)
		(void)fprintf(stderr, "moatd: %s: %s\n",
			settings_level_name(level), text);
}

static int check_config(const struct settings *set, enum settings_level least)
{
	return roles_check(set, print_finding, &least) == 0 ? EXIT_SUCCESS
							    : EXIT_FAILURE;
}

static enum status read_worker(
	const struct options *o, struct role_env *env, struct err *e)
{
	struct str n = str_of(o->worker), i;
	uint32_t workers = 1, worker = 0, pid = 0;

	if (o->worker != NULL) {
		i = str_cut(&n, '/');
		if (num_u32(n, 1, 1024, &workers) != ST_OK ||
			num_u32(i, 0, workers - 1, &worker) != ST_OK)
			return err_set(e, ST_INVALID, "--worker %s", o->worker);
	}
	if (o->supervisor != NULL &&
		num_u32(str_of(o->supervisor), 1, INT32_MAX, &pid) != ST_OK)
		return err_set(e, ST_INVALID, "--supervisor %s", o->supervisor);
	env->worker = worker;
	env->workers = workers;
	env->supervisor = (pid_t)pid;
	return ST_OK;
}

static int be_role(
	const struct options *o, const struct settings *set, struct err *e)
{
	const struct role *role = role_find(o->role);
	struct role_env env = { .settings = set, .name = o->role };

	if (role == NULL) {
		(void)err_set(e, ST_INVALID, "there is no role %s", o->role);
		return fail(e);
	}
	if (read_worker(o, &env, e) != ST_OK || inherit_init(e) != ST_OK)
		return fail(e);
	log_set_role(role->name);
	return role->front ? front_run(&env, role) : back_run(&env, role);
}

int main(int argc, char **argv)
{
	struct options o = {};
	struct settings *set = NULL;
	struct err e = {};
	int code = EXIT_SUCCESS;

	if (!read_options(argc, argv, &o)) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (o.help || o.version) {
		(void)fputs(
			o.help ? usage : "moatd " MOAT_VERSION "\n", stdout);
		return EXIT_SUCCESS;
	}
	/* It knows nothing: no settings, no files, one descriptor. */
	if (o.role != NULL && strcmp(o.role, DIGEST_STARTER) == 0)
		return digest_starter_main(STDIN_FILENO, digest_child_main);
	if (load(&o, &set, &e) != ST_OK)
		return fail(&e);
	set_log_level(set);
	if (o.show_config)
		code = show_config(set);
	else if (o.check_config)
		code = check_config(set, SETTINGS_NOTE);
	else if (o.role != NULL)
		code = be_role(&o, set, &e);
	else if (check_config(set, SETTINGS_WARNING) != EXIT_SUCCESS)
		code = EXIT_FAILURE;
	else if (supervisor_run(o.config, &set, &e) != ST_OK)
		code = fail(&e);
	settings_free(&set);
	return code;
}
