use std::fs;

use super::*;
use crate::test_folder::TestFolder;

#[test]
fn flow_tables() {
    assert_errors_behind_tiny(&[
        ("[flows.a]\n", &[]),
        ("[flows.a]\nactions = []\nfile = \"a.json\"\n", &[]),
        ("[flows.a]\nfile = \"nowhere.json\"\n", &[]),
    ]);
}

#[test]
fn actions_in_the_file() {
    assert_errors_behind_tiny(&[
        (
            "[flows.a]\nactions = [\n    { type = \"answer\" },\n    { type = \"ecko\" },\n]\n",
            &[],
        ),
        (
            "[flows.a]\nactions = [{ type = \"sleep\", option = { duratoin = 5 } }]\n",
            &[],
        ),
        (
            "[flows.a]\nactions = [{ type = \"sleep\", option = { duration = \"x\" } }]\n",
            &[],
        ),
        ("[flows.a]\nactions = [{ typ = \"sleep\" }]\n", &[]),
        ("[flows.a]\nactions = [3]\n", &[]),
        (
            "[[flows.a.actions]]\ntype = \"goto\"\n[flows.a.actions.option]\ntarget_id = \"nowhere\"\n",
            &[],
        ),
        (
            "[flows.a]\nactions = [\n  { id = \"x\", type = \"variable_set\", option = { key = \"k\", value = \"v\" } },\n  { type = \"goto\", option = { target_id = \"x\" } },\n]\n",
            &[],
        ),
    ]);
}

#[test]
fn the_dial_plan() {
    let flow = "[flows.echo]\nactions = [{ type = \"echo\" }]\n";
    let cases: &[(&str, &[&str])] = &[
        ("[[dial_plan]]\nflow = \"echo\"\n", &[]),
        ("[[dial_plan]]\nuser = \"a\"\n", &[]),
        (
            "[[dial_plan]]\nuser = \"a\"\nprefix = \"b\"\nflow = \"echo\"\n",
            &[],
        ),
        ("[[dial_plan]]\nuser = \"a\"\nflow = \"ecko\"\n", &[]),
        ("[[dial_plan]]\nuser = \"a\"\nflow = \"zzzzzz\"\n", &[]),
        ("[[dial_plan]]\npattern = \"(a\"\nflow = \"echo\"\n", &[]),
        (
            "[[dial_plan]]\nuser = \"a\"\nflow = \"echo\"\n[[dial_plan]]\nuser = \"a\"\nflow = \"echo\"\n",
            &[],
        ),
    ];
    for (text, expected) in cases {
        assert_errors_behind_tiny(&[(&format!("{flow}{text}"), *expected)]);
    }
}

/// A folder with a TOML file, whose flow `a` is in `a.json` with this text.
fn with_flow_file(name: &str, json: &str) -> Vec<String> {
    let folder = TestFolder::new(name);
    let toml = folder.path().join("s.toml");
    fs::write(&toml, format!("{TINY}[flows.a]\nfile = \"a.json\"\n")).unwrap();
    fs::write(folder.path().join("a.json"), json).unwrap();
    fs::create_dir(folder.path().join("media")).unwrap();
    fs::write(folder.path().join("media/there.wav"), "no WAV").unwrap();
    let try_prompt = |media: &Path, url: &str| {
        assert!(media.join("there.wav").is_file());
        if url == "there.wav" {
            return Ok(());
        }
        Err(format!("{url} is not to my taste"))
    };
    match Config::load_with(&toml, &try_prompt) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .iter()
            .map(|error| {
                assert_eq!(error.file, folder.path().join("a.json"), "{error}");
                in_short(error)
            })
            .collect(),
    }
}

#[test]
fn actions_in_a_file_of_their_own() {
    let cases: &[(&str, &[&str])] = &[
        ("[\n  {\"type\": \"answer\"},\n", &[]),
        (
            "[\n  {\"type\": \"answer\"},\n  {\"type\": \"sleep\", \"option\": {\"duratoin\": 5}}\n]\n",
            &[],
        ),
        (
            "{\"actions\": [\n  {\"type\": \"sleep\", \"option\": {\"duration\": \"x\"}}\n]}\n",
            &[],
        ),
        (
            "[{\"type\": \"play\", \"option\": {\"stream_urls\": [\"there.wav\", \"file:there.wav\",\n\"gone.wav\", \"${variable}.wav\", \"../s.toml\", \"http://example.org/a.wav\"]}}]",
            &[],
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(with_flow_file("flow-file", json), *expected, "\n{json}");
    }
}

#[test]
fn the_folder_with_the_prompts_is_missed_when_a_flow_plays() {
    let play =
        "[flows.a]\nactions = [{ type = \"play\", option = { stream_urls = [\"x.wav\"] } }]\n";
    assert_errors_behind_tiny(&[
        (play, &[]),
        (&format!("[media]\nfolder = \"nowhere\"\n{play}"), &[]),
    ]);
}

#[test]
fn errors_read_well() {
    let text = "[sip]\n\tt1_msec = 5\n";
    let errors = parse(text).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "test/s.toml:2:2: unknown name `t1_msec`\n\
         2 | \tt1_msec = 5\n  \
           | \t^^^^^^^\n  \
           = expected one of `listeners`, `server_name`, `t1_ms`, `t2_ms`, `t4_ms`\n  \
           = did you mean `t1_ms`?"
    );
    let missing = Config::load(Path::new("no/such.toml")).unwrap_err();
    assert_eq!(
        missing[0].to_string(),
        "no/such.toml: No such file or directory (os error 2)"
    );
}
