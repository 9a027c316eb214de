/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_step: what the steps of an order share. Private to acme_order.c and
 * acme_step_*.c.
 *
 * A step takes the order from one state to the next and writes the row before
 * it returns ST_OK; whoever is killed between the CA's answer and that write
 * does the step again, and each step first looks how far the CA has come.
 *
 * Status of a step: ST_OK: moved on (or finished). ST_AGAIN: wait for
 * o->next_at. Anything else: failed, see acme_order.c for what follows.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/acme_challenge.h"
#include "hosting/acme_client.h"
#include "hosting/cert_env.h"
#include "hosting/cert_subject.h"
#include "store/store.h"

struct acme_step {
	struct cert_env *env;
	struct arena *a;
	struct store_acme_order *o;
	struct acme_reply reply; /* the CA's last answer */
	int64_t now;
	bool refused_authz; /* the failure counts against the CA's limit */
};

enum status acme_step_queued(struct acme_step *x, struct err *e);
enum status acme_step_new(struct acme_step *x, struct err *e);
enum status acme_step_challenged(struct acme_step *x, struct err *e);
enum status acme_step_validating(struct acme_step *x, struct err *e);
enum status acme_step_ready(struct acme_step *x, struct err *e);
enum status acme_step_finalizing(struct acme_step *x, struct err *e);
enum status acme_step_issued(struct acme_step *x, struct err *e);

/* A signed request for our account; an unknown account is made anew later. */
enum status acme_step_post(
	struct acme_step *x, struct str url, struct str payload, struct err *e);

/* Writes the row as being in state, due now. */
enum status acme_step_move(
	struct acme_step *x, enum store_order_state state, struct err *e);

/* Due again when the CA said, or in a second at first and less often later;
 * ST_AGAIN, or ST_INVALID when this state has lasted too long. */
enum status acme_step_wait(struct acme_step *x, struct err *e);

/* Publishes c for the order and moves to state, in one transaction. */
enum status acme_step_publish(struct acme_step *x, struct store_challenge *c,
	enum store_order_state state, struct err *e);

/* Do strangers see what was published? ST_OK, or ST_AGAIN. */
enum status acme_step_published(struct acme_step *x, struct err *e);

/* Takes the problem of an order or challenge as the CA's last answer. */
enum status acme_step_refused(struct acme_step *x, const struct acme_problem *p,
	const char *what, struct err *e);
