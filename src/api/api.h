/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: one call of the REST API under /api/v1, apart from the socket it came
 * over. Whoever reaches the admin socket is an administrator: its file mode
 * says who that is. Faults are problem documents (RFC 9457) with the members
 * title, detail, where, remedy.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"
#include "io/probe_client.h"

#define API_BODY_BYTES_MAX (32u << 20) /* a report to import */
#define API_REPLY_BYTES_MAX (64u << 20)
#define API_PARAMS_MAX 2

struct settings;
struct store;
struct spool;
struct crypto_secret;

/* What calls work on; one per thread. */
struct api_env {
	const struct settings *settings;
	struct store *store;
	struct spool *spool;
	struct probe_client probe;
	const struct crypto_secret *hook_key; /* NULL: none */
};

struct api_call {
	struct api_env *env;
	struct arena *a;
	struct str method, path, query;
	struct str content_type;
	struct str body;
	struct str actor; /* for the audit log */
	int64_t now;

	/* Set by the router. */
	struct str tenant;		   /* the parameter, or the default */
	struct str params[API_PARAMS_MAX]; /* what stood for {name} */
	const struct json *json;	   /* the body; NULL: there was none */

	/* The answer. */
	int code; /* 200 unless set */
	bool problem;
	struct sbuf out;
	struct json_writer w;
};

typedef void api_handler(struct api_call *c);

enum api_body { API_NO_BODY, API_JSON_BODY, API_RAW_BODY };

struct api_route {
	const char *method;
	const char *path; /* "/api/v1/domains/{name}" */
	enum api_body body;
	api_handler *run;
	const char *summary; /* as docs/openapi.json has it */
};

/* All routes, ended by one without a method (api_routes.c). */
extern const struct api_route api_routes[];

/* Finds the route and runs it; the answer is in c->code and c->out. */
void api_run(struct api_call *c);

/* Makes the answer a problem document; any of the texts may be NULL. */
void api_problem(struct api_call *c, int code, const char *title,
	const char *detail, const char *where, const char *remedy);

/* As api_problem, by a status that is not ST_OK. */
void api_fail(struct api_call *c, enum status st, const struct err *e);

/* Notes an action on the tenant itself in the audit log; as the store. */
enum status api_audit_tenant(struct api_call *c, struct str action,
	struct str detail, struct err *e);

/* A query parameter, not decoded; p == NULL: not there. */
struct str api_query(const struct api_call *c, const char *name);

/* The same with %XX decoded. */
struct str api_query_text(const struct api_call *c, const char *name);

/* The query parameter limit, 1..max; usual without it. false, after a problem:
 * it is none. */
bool api_limit(struct api_call *c, uint32_t usual, uint32_t max, size_t *out);

/* "2026-11-21" as days since 1970; false: it is no day. */
bool api_day_of(struct arena *a, struct str text, int64_t *day);

/* The member "force" of the body, or the query parameter force=yes. */
bool api_force(const struct api_call *c);

struct store_report_failure;

/* The members of a failure, and what they mean, into an object. */
void api_put_failure(
	struct json_writer *w, const struct store_report_failure *f);

/* The array "mailboxes" into an object. */
enum status api_put_mailboxes(struct api_call *c, struct err *e);

/* The handlers, one file per noun. */
api_handler api_domain_list, api_domain_add, api_domain_show, api_domain_dns,
	api_domain_mode, api_domain_mx, api_domain_options, api_domain_recheck,
	api_domain_retire, api_domain_remove;
api_handler api_alert_list, api_alert_show, api_alert_ack, api_alert_test,
	api_alert_trial, api_alert_digest_show, api_alert_digest_send,
	api_alert_recipient_list, api_alert_recipient_add,
	api_alert_recipient_remove, api_alert_options_show,
	api_alert_options_set;
api_handler api_audit_list;
api_handler api_mailbox_list, api_mailbox_show, api_mailbox_test;
api_handler api_status_show, api_view_rebuild, api_setup_show;
api_handler api_report_import, api_report_list, api_report_replay,
	api_report_unreadable, api_report_rule_show, api_report_rule_set,
	api_report_show, api_report_raw, api_report_view, api_report_failures,
	api_report_meanings, api_report_keep_show, api_report_keep_set,
	api_report_erase;
