/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_convert: what no SQL can do in a step of the schema; for migrations.c
 * only.
 */
#pragma once

#include "store/store.h"

/*
 * Makes bodies and result types of reports whose policies and failures still
 * have rows of their own, and takes no more memory for many.
 */
enum status report_convert_bodies(struct store *s, struct err *e);
