/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Who calls whom, and how it must end. A phone's state is its calls and what it was told; a PBX's
 * state is who is bridged with whom ("alice/CALL-ID <-> bob/CALL-ID"), which dialogs ended, and
 * what the library said: its verdicts, and of each transfer the events, what becomes of the call
 * after a failure, and the outcome.
 */
#include "demo.h"

#define ALICE .name = "alice", .title = "Alice", .host = "alice.example"
#define BOB   .name = "bob", .title = "Bob", .host = "bob.example"
#define CAROL .name = "carol", .title = "Carol", .host = "carol.example"
#define PBX_A .name = "A", .title = "A", .host = "asterisk_a.com", .is_pbx = 1
#define PBX_B .name = "B", .title = "B", .host = "server_b.com", .is_pbx = 1

/* Alice calls Bob through A, Bob calls Carol through B: the names are those of Asterisk's page on
 * remote attended transfers. */
static void two_calls_on_two_pbxes(struct stage *stage)
{
    stage_tell(stage, "alice", "call sip:bob@asterisk_a.com");
    stage_expect(stage, "alice", "talking on alice-1");
    stage_expect(stage, "A", "alice/alice-1 <-> bob/12345");
    stage_expect(stage, "bob", "talking on 12345");
    stage_settle(stage);

    stage_tell(stage, "bob", "call sip:carol@server_b.com");
    stage_expect(stage, "bob", "talking on 12345, talking on ABCDE");
    stage_expect(stage, "B", "bob/ABCDE <-> carol/B-1");
    stage_expect(stage, "carol", "talking on B-1");
    stage_settle(stage);
}

static void one_call(struct stage *stage)
{
    stage_tell(stage, "alice", "call sip:bob@asterisk_a.com");
    stage_expect(stage, "alice", "talking on alice-1");
    stage_expect(stage, "A", "alice/alice-1 <-> bob/12345");
    stage_expect(stage, "bob", "talking on 12345");
    stage_expect(stage, "carol", "idle");
    stage_settle(stage);
}

/* Bob refers Alice to Carol. A has no such dialog and dials by its dialplan; B lets A take Bob's
 * call over, because it trusts A and A's Referred-By says that Bob wants it. */
static void remote_attended(struct stage *stage)
{
    two_calls_on_two_pbxes(stage);
    stage_tell(stage, "bob", "refer 12345 sip:carol@server_b.com ABCDE");
    stage_expect(stage, "alice", "talking on alice-1");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> B/ZYXWV; end bob/12345; remote_attended 202; "
                 "outcome 200 (target)");
    stage_expect(stage, "bob", "idle; REFER 202; NOTIFY 100; NOTIFY 200 terminated");
    stage_expect(stage, "B",
                 "end bob/ABCDE; carol/B-1 <-> A/ZYXWV; accept 200 (referred-by); takeover 200");
    stage_expect(stage, "carol", "talking on B-1");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "carol", "talking on B-1; heard Alice");
    stage_settle(stage);
    stage_tell(stage, "carol", "speak");
    stage_expect(stage, "alice", "talking on alice-1; heard Carol");
    stage_settle(stage);
}

static void local_attended(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "bob", "call sip:carol@asterisk_a.com");
    stage_expect(stage, "A", "alice/alice-1 <-> bob/12345; bob/ABCDE <-> carol/A-2");
    stage_expect(stage, "bob", "talking on 12345, talking on ABCDE");
    stage_expect(stage, "carol", "talking on A-2");
    stage_settle(stage);

    stage_tell(stage, "bob", "refer 12345 sip:carol@asterisk_a.com ABCDE");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> carol/A-2; end bob/12345; end bob/ABCDE; local_attended 202 "
                 "(same-user); outcome 200 (target)");
    stage_expect(stage, "bob", "idle; REFER 202; NOTIFY 100; NOTIFY 200 terminated");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "carol", "talking on A-2; heard Alice");
    stage_settle(stage);
}

static void blind(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "bob", "refer 12345 sip:carol@asterisk_a.com");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> carol/A-2; end bob/12345; blind 202; outcome 200 (target)");
    stage_expect(stage, "bob", "idle; REFER 202; NOTIFY 100; NOTIFY 200 terminated");
    stage_expect(stage, "carol", "talking on A-2");
    stage_settle(stage);

    stage_tell(stage, "carol", "speak");
    stage_expect(stage, "alice", "talking on alice-1; heard Carol");
    stage_settle(stage);
}

/* Bob's phone rings and he is away. Carol takes the call: she replaces the dialog that A itself
 * began with Bob's phone. A real phone learns its name from A's dialog-info (RFC 4235). */
static void pickup(struct stage *stage)
{
    stage_tell(stage, "alice", "call sip:bob@asterisk_a.com");
    stage_expect(stage, "alice", "ringing on alice-1");
    stage_expect(stage, "A", "alice/alice-1 ... bob/12345");
    stage_expect(stage, "bob", "ringing on 12345");
    stage_settle(stage);

    stage_tell(stage, "carol", "pickup sip:bob@asterisk_a.com 12345 AtoBob BobtoA");
    stage_expect(stage, "alice", "talking on alice-1");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> carol/carol-1; end bob/12345; accept 200 (host); takeover 200");
    stage_expect(stage, "bob", "idle");
    stage_expect(stage, "carol", "talking on carol-1");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "carol", "talking on carol-1; heard Alice");
    stage_settle(stage);
}

/* The administrator of A wrote no external_replaces: such transfers are not wanted. */
static void no_extension(struct stage *stage)
{
    two_calls_on_two_pbxes(stage);
    stage_tell(stage, "bob", "refer 12345 sip:carol@server_b.com ABCDE");
    stage_expect(stage, "A", "alice/alice-1 <-> bob/12345; reject 404");
    stage_expect(stage, "bob", "talking on 12345, talking on ABCDE; REFER 404");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "bob", "talking on 12345, talking on ABCDE; REFER 404; heard Alice");
    stage_settle(stage);
}

static void unknown_dialog(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "carol", "replace sip:bob@asterisk_a.com 12345 AtoBob somebody");
    stage_expect(stage, "A", "alice/alice-1 <-> bob/12345; reject 481");
    stage_expect(stage, "carol", "idle; INVITE 481");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "bob", "talking on 12345; heard Alice");
    stage_settle(stage);
}

/* B does not let A replace the calls of its users. Bob learns it by NOTIFY, and both of his calls
 * are still there. */
static void not_trusted(struct stage *stage)
{
    two_calls_on_two_pbxes(stage);
    stage_tell(stage, "bob", "refer 12345 sip:carol@server_b.com ABCDE");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> bob/12345; end B/ZYXWV; remote_attended 202; keep_call; "
                 "outcome 403 (target)");
    stage_expect(stage, "B", "bob/ABCDE <-> carol/B-1; reject 403");
    stage_expect(
        stage, "bob",
        "talking on 12345, talking on ABCDE; REFER 202; NOTIFY 100; NOTIFY 403 terminated");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "bob",
                 "talking on 12345, talking on ABCDE; REFER 202; NOTIFY 100; "
                 "NOTIFY 403 terminated; heard Alice");
    stage_settle(stage);
}

/* A can call Bob, but nothing tells it that a request with Bob's name is his. */
static void not_authenticated(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "bob", "refer 12345 sip:carol@asterisk_a.com");
    stage_expect(stage, "A", "alice/alice-1 <-> bob/12345; challenge 401");
    stage_expect(stage, "bob", "talking on 12345; REFER 401");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "bob", "talking on 12345; REFER 401; heard Alice");
    stage_settle(stage);
}

/* Bob's transfers are controlled by an application, which calls Carol and connects Alice with her.
 * channel_progress is a NOTIFY of 100 once more. */
static void application(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "bob", "refer 12345 sip:carol@asterisk_a.com");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> carol/A-2; end bob/12345; blind 202; event; "
                 "event channel_progress; event channel_answered; outcome 200 (application)");
    stage_expect(stage, "bob", "idle; REFER 202; NOTIFY 100; NOTIFY 100; NOTIFY 200 terminated");
    stage_expect(stage, "carol", "talking on A-2");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "carol", "talking on A-2; heard Alice");
    stage_settle(stage);
}

/* The application is given 50 ms, and does not say a word. */
static void silent_application(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "bob", "refer 12345 sip:carol@asterisk_a.com");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> bob/12345; blind 202; event; event channel_unavailable; "
                 "keep_call; outcome 503 (deadline)");
    stage_expect(stage, "bob", "talking on 12345; REFER 202; NOTIFY 100; NOTIFY 503 terminated");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "bob",
                 "talking on 12345; REFER 202; NOTIFY 100; NOTIFY 503 terminated; heard Alice");
    stage_settle(stage);
}

/* Carol is busy. Bob learns it and takes the call back. */
static void busy(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "bob", "refer 12345 sip:carol@asterisk_a.com");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> bob/12345; end carol/A-2; blind 202; keep_call; "
                 "outcome 486 (target)");
    stage_expect(stage, "bob", "talking on 12345; REFER 202; NOTIFY 100; NOTIFY 486 terminated");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "bob",
                 "talking on 12345; REFER 202; NOTIFY 100; NOTIFY 486 terminated; heard Alice");
    stage_settle(stage);
    stage_tell(stage, "bob", "speak");
    stage_expect(stage, "alice", "talking on alice-1; heard Bob");
    stage_settle(stage);
}

/* Bob transfers Alice to Carol, whose phone rings. */
static void carol_rings(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "bob", "refer 12345 sip:carol@asterisk_a.com");
    stage_expect(stage, "A", "alice/alice-1 <-> bob/12345; carol/A-2; blind 202");
    stage_expect(stage, "bob", "talking on 12345; REFER 202; NOTIFY 100; NOTIFY 180");
    stage_expect(stage, "carol", "ringing on A-2");
    stage_pause(stage);
}

/* Bob does not wait for the outcome: he hangs up, and Carol declines. Who talks to Alice now? */
static void hung_up_too_early(struct stage *stage)
{
    carol_rings(stage);
    stage_tell(stage, "bob", "hangup 12345");
    stage_expect(stage, "A", "alice/alice-1; end bob/12345; carol/A-2; blind 202");
    stage_expect(stage, "bob", "idle; REFER 202; NOTIFY 100; NOTIFY 180");
    stage_pause(stage);
    stage_tell(stage, "carol", "decline");
    stage_expect(stage, "carol", "idle");
}

static void recall(struct stage *stage)
{
    hung_up_too_early(stage);
    stage_expect(stage, "A",
                 "alice/alice-1 <-> bob/A-3; end bob/12345; end carol/A-2; blind 202; "
                 "recall_transferor; outcome 603 (target)");
    stage_expect(stage, "bob",
                 "talking on A-3; REFER 202; NOTIFY 100; NOTIFY 180; NOTIFY 603 terminated");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "bob",
                 "talking on A-3; REFER 202; NOTIFY 100; NOTIFY 180; NOTIFY 603 terminated; "
                 "heard Alice");
    stage_settle(stage);
}

static void hang_up(struct stage *stage)
{
    hung_up_too_early(stage);
    stage_expect(stage, "A",
                 "end alice/alice-1; end bob/12345; end carol/A-2; blind 202; "
                 "hang_up_transferee; outcome 603 (target)");
    stage_expect(stage, "alice", "idle");
    stage_expect(stage, "bob", "idle; REFER 202; NOTIFY 100; NOTIFY 180; NOTIFY 603 terminated");
    stage_settle(stage);
}

/* One party is moved by one transfer at a time: refer.concurrent is reject (host.c). */
static void second_refer(struct stage *stage)
{
    carol_rings(stage);
    stage_tell(stage, "bob", "refer 12345 sip:bob@asterisk_a.com");
    stage_expect(stage, "A", "alice/alice-1 <-> bob/12345; carol/A-2; blind 202; reject 491");
    stage_expect(stage, "bob", "talking on 12345; REFER 202; NOTIFY 100; NOTIFY 180; REFER 491");
    stage_pause(stage);

    stage_tell(stage, "carol", "answer");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> carol/A-2; end bob/12345; blind 202; reject 491; "
                 "outcome 200 (target)");
    stage_expect(stage, "bob",
                 "idle; REFER 202; NOTIFY 100; NOTIFY 180; REFER 491; NOTIFY 200 terminated");
    stage_expect(stage, "carol", "talking on A-2");
    stage_settle(stage);
}

/* Alice hangs up while Carol's phone rings: there is nobody to be transferred any more. */
static void given_up(struct stage *stage)
{
    carol_rings(stage);
    stage_tell(stage, "alice", "hangup alice-1");
    stage_expect(stage, "alice", "idle");
    stage_expect(stage, "A",
                 "end alice/alice-1; end bob/12345; end carol/A-2; blind 202; keep_call; "
                 "outcome 487 (given_up)");
    stage_expect(stage, "bob", "idle; REFER 202; NOTIFY 100; NOTIFY 180; NOTIFY 487 terminated");
    stage_expect(stage, "carol", "idle");
    stage_settle(stage);
}

/* Bob transfers Alice to the extension that parks, and the final NOTIFY tells where she waits.
 * Carol's phone then replaces the dialog that waits; it learns its name from A's dialog-info. */
static void park_and_retrieve(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "bob", "refer 12345 sip:park@asterisk_a.com");
    stage_expect(stage, "A",
                 "alice/alice-1; end bob/12345; blind 202; parked 701; outcome 200 (target)");
    stage_expect(stage, "bob", "idle; REFER 202; NOTIFY 100; NOTIFY 200 terminated");
    stage_pause(stage);

    stage_tell(stage, "carol", "replace sip:701@asterisk_a.com alice-1 AtoAlice AlicetoA");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> carol/carol-1; end bob/12345; blind 202; parked 701; "
                 "outcome 200 (target); accept 200 (token); takeover 200");
    stage_expect(stage, "carol", "talking on carol-1");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "carol", "talking on carol-1; heard Alice");
    stage_settle(stage);
}

/* Nobody comes, and after a second (park.timeout_s) Bob gets Alice back. */
static void ring_back(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "bob", "refer 12345 sip:park@asterisk_a.com");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> bob/A-2; end bob/12345; blind 202; parked 701; "
                 "outcome 200 (target); ring bob back");
    stage_expect(stage, "bob", "talking on A-2; REFER 202; NOTIFY 100; NOTIFY 200 terminated");
    stage_settle(stage);
}

/* Carol takes the call that Bob talks in. A answers her, takes over, and only then says BYE. */
static void takeover(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "carol", "replace sip:bob@asterisk_a.com 12345 AtoBob BobtoA");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> carol/carol-1; end bob/12345; accept 200 (host); "
                 "takeover 200");
    stage_expect(stage, "bob", "idle");
    stage_expect(stage, "carol", "talking on carol-1");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "carol", "talking on carol-1; heard Alice");
    stage_settle(stage);
}

/* The same, but Carol's phone has no codec that A knows: nothing has happened to the call. */
static void takeover_without_media(struct stage *stage)
{
    one_call(stage);
    stage_tell(stage, "carol", "replace sip:bob@asterisk_a.com 12345 AtoBob BobtoA");
    stage_expect(stage, "A",
                 "alice/alice-1 <-> bob/12345; end carol/carol-1; accept 200 (host); "
                 "takeover 488");
    stage_expect(stage, "carol", "idle; INVITE 488");
    stage_settle(stage);

    stage_tell(stage, "alice", "speak");
    stage_expect(stage, "bob", "talking on 12345; heard Alice");
    stage_settle(stage);
}

#define ROUTES_A                                                                                   \
    {"default", "bob", "bob"},                                                                     \
    {                                                                                              \
        "default", "carol", "carol"                                                                \
    }

const struct scenario scenarios[] = {
    {"Remote attended transfer: Alice and Bob talk through A, Bob and Carol through B",
     remote_attended,
     {{ALICE},
      {PBX_A, .call_ids = {"12345", "ZYXWV"},
       .routes = {{"default", "bob", "bob"}, {"default", "external_replaces", NULL}}},
      {BOB, .call_ids = {"ABCDE"}},
      {PBX_B, .routes = {{"default", "carol", "carol"}}, .trusts = "A"},
      {CAROL}}},
    {"Local attended transfer: both of Bob's calls are on A",
     local_attended,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A}},
      {BOB, .call_ids = {"ABCDE"}},
      {CAROL}}},
    {"Blind transfer",
     blind,
     {{ALICE},
      /* Between the 100 and the 200 lies Carol's 180. However slow the machine, Bob is not told. */
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A},
       .settings = {{"", "notify.min_interval_ms", "60000"}}},
      {BOB},
      {CAROL}}},
    {"Pickup: Carol takes a call that rings at Bob's phone",
     pickup,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A}, .pickup_group = {"carol", "bob"}},
      {BOB, .rings_only = 1},
      {CAROL}}},
    {"Refused: the context of A has no external_replaces",
     no_extension,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {{"default", "bob", "bob"}}},
      {BOB, .call_ids = {"ABCDE"}},
      {PBX_B, .routes = {{"default", "carol", "carol"}}, .trusts = "A"},
      {CAROL}}},
    {"Refused: an INVITE with Replaces names a dialog that does not exist",
     unknown_dialog,
     {{ALICE}, {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A}}, {BOB}, {CAROL}}},
    {"Refused: B does not trust A to replace the calls of its users",
     not_trusted,
     {{ALICE},
      {PBX_A, .call_ids = {"12345", "ZYXWV"},
       .routes = {{"default", "bob", "bob"}, {"default", "external_replaces", NULL}}},
      {BOB, .call_ids = {"ABCDE"}},
      {PBX_B, .routes = {{"default", "carol", "carol"}}},
      {CAROL}}},
    {"Refused: a REFER whose sender is not authenticated",
     not_authenticated,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A}, .stranger = "bob"},
      {BOB},
      {CAROL}}},
    {"Application-controlled transfer: an application on A connects Alice with Carol",
     application,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A},
       .settings = {{"endpoint:bob", "transfer_handling", "application-only"},
                    {"endpoint:bob", "notify.min_interval_ms", "0"}}},
      {BOB},
      {CAROL}}},
    {"Failed: the application that controls the transfer says nothing",
     silent_application,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A}, .silent_app = 1,
       .settings = {{"endpoint:bob", "transfer_handling", "application-only"},
                    {"", "application.timeout_ms", "50"}}},
      {BOB},
      {CAROL}}},
    {"Failed: the target of a blind transfer is busy, and Bob takes the call back",
     busy,
     {{ALICE}, {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A}}, {BOB}, {CAROL, .busy = 1}}},
    {"Failed: Bob hung up too early and is called back",
     recall,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A},
       .settings = {{"", "refer.on_failure", "recall"}, {"", "notify.min_interval_ms", "0"}}},
      {BOB},
      {CAROL, .rings_only = 1}}},
    {"Failed: Bob hung up too early, and by A's settings Alice is hung up too",
     hang_up,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A},
       .settings = {{"", "refer.on_failure", "hangup"}, {"", "notify.min_interval_ms", "0"}}},
      {BOB},
      {CAROL, .rings_only = 1}}},
    {"Refused: a second REFER while a transfer is pending",
     second_refer,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A},
       .settings = {{"", "notify.min_interval_ms", "0"}}},
      {BOB},
      {CAROL, .rings_only = 1}}},
    {"Failed: Alice hangs up meanwhile, and A gives the transfer up",
     given_up,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A},
       .settings = {{"", "notify.min_interval_ms", "0"}}},
      {BOB},
      {CAROL, .rings_only = 1}}},
    {"Park and retrieve: Bob parks Alice, and Carol replaces the dialog that waits",
     park_and_retrieve,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A, {"default", "park", NULL}},
       .settings = {{"endpoint:carol", "park.open", "yes"}}},
      {BOB},
      {CAROL}}},
    {"Park and ring back: nobody comes for Alice",
     ring_back,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A, {"default", "park", NULL}},
       .settings = {{"", "park.timeout_s", "1"}}},
      {BOB},
      {CAROL}}},
    {"Takeover: Carol takes the call that Bob talks in",
     takeover,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A}, .pickup_group = {"carol", "bob"}},
      {BOB},
      {CAROL}}},
    {"Failed: Carol would take the call over, but her phone has no codec in common with A",
     takeover_without_media,
     {{ALICE},
      {PBX_A, .call_ids = {"12345"}, .routes = {ROUTES_A}, .pickup_group = {"carol", "bob"}},
      {BOB},
      {CAROL, .odd_codec = 1}}},
};
const int scenario_count = sizeof scenarios / sizeof scenarios[0];
