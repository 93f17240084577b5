"""Small workflows that test the harness: what can happen in a run happens in one of them."""

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
UPLOAD = "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"
MAIN = """
name: Main
on:
  push:
  workflow_dispatch:
    inputs:
      word: { type: string, default: none }
jobs:
  make:
    name: Make it
    runs-on: ubuntu-24.04
    outputs:
      word: ${{ steps.say.outputs.word }}
    steps:
      - uses: CHECKOUT
        with: { persist-credentials: false }
      - uses: ./.github/actions/setup
        with: { folder: out }
      - id: say
        run: |
          echo "word=from $(cat readme)" >> "$GITHUB_OUTPUT"
          echo "# Made $WORD" >> "$GITHUB_STEP_SUMMARY"
        env: { WORD: "${{ vars.WORD }}" }
      - run: if git push origin HEAD:refs/heads/made; then exit 1; fi
      - uses: UPLOAD
        with: { name: results, path: out, if-no-files-found: error }
  take:
    needs: make
    strategy:
      matrix: { part: [one, two] }
    runs-on: ubuntu-24.04
    steps:
      - uses: DOWNLOAD
        with: { name: results, path: in }
      - run: test "$(cat in/deep/file)" = "$WORD" && test "$PART" != two
        env: { WORD: "${{ needs.make.outputs.word && 'hello' }}", PART: "${{ matrix.part }}" }
  tell:
    if: always() && needs.take.result == 'failure'
    needs: [make, take]
    runs-on: ubuntu-24.04
    environment: staging
    permissions: { issues: write }
    steps:
      - run: |
          gh api "repos/$GITHUB_REPOSITORY/issues" -f title="$WORD" -f 'labels[]=drift' --jq .number
          gh api "repos/$GITHUB_REPOSITORY/issues?labels=drift" --jq '.[].title'
          if gh api "repos/$GITHUB_REPOSITORY/environments/none"; then exit 1; fi
        env: { GH_TOKEN: "${{ github.token }}", WORD: "${{ needs.make.outputs.word }}" }
      - run: |
          curl --fail "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY" -H "Authorization: Bearer $T"
        env: { T: "${{ secrets.GITHUB_TOKEN }}" }
  after:
    needs: take
    runs-on: ubuntu-24.04
    steps: [{ run: exit 0 }]
"""
CALLER = """
on: push
jobs:
  decide:
    runs-on: ubuntu-24.04
    outputs: { due: "yes" }
    steps: [{ run: exit 0 }]
  retrain:
    needs: decide
    if: needs.decide.outputs.due == 'yes'
    uses: ./.github/workflows/called.yml
    with: { why: drift }
  broken:
    uses: ./.github/workflows/called.yml
    with: { why: age, broken: "${{ github.ref != '' }}" }
  repair:
    needs: broken
    if: failure()
    runs-on: ubuntu-24.04
    steps: [{ run: exit 0 }]
  other:
    needs: decide
    if: needs.decide.outputs.due == 'no'
    uses: ./.github/workflows/called.yml
    with: { why: age }
  done:
    needs: [retrain, other, broken]
    if: always()
    runs-on: ubuntu-24.04
    steps:
      - run: jq -e '.retrain.outputs.model == "drift!" and .other.result == "skipped"' <<< "$NEEDS"
      - run: jq -e '.broken.result == "failure"' <<< "$NEEDS"
        env: { NEEDS: "${{ toJSON(needs) }}" }
        env: { NEEDS: "${{ toJSON(needs) }}" }
"""
CALLED = """
name: Called
on:
  workflow_call:
    inputs:
      why: { type: string, required: true }
      broken: { type: boolean, default: false }
    outputs: { model: { value: "${{ jobs.train.outputs.model }}" } }
jobs:
  train:
    name: Train a model
    runs-on: ubuntu-24.04
    outputs: { model: "${{ steps.it.outputs.model }}" }
    steps:
      - uses: CHECKOUT
      - if: inputs.broken
        run: exit 1
      - id: it
        run: |
          echo "model=$WHY!" >> "$GITHUB_OUTPUT"
          git push origin HEAD:refs/heads/trained
        env: { WHY: "${{ inputs.why }}" }
  undo:
    needs: train
    if: failure()
    runs-on: ubuntu-24.04
    steps: [{ run: exit 0 }]
"""
TOOLS = """
on: pull_request
jobs:
  tools:
    runs-on: ubuntu-24.04
    steps:
      - uses: CHECKOUT
        with: { path: code, fetch-depth: 0, ref: main }
      - uses: astral-sh/setup-uv@20cfd1bf945f4377ade1205e4dbc17946fc9a30d
        id: uv
        with: { enable-cache: false, version: 0.9.0 }
      - run: test -n "${{ steps.uv.outputs.uv-version }}" && uv --version
      - uses: actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97
        with: { python-version: "3.13" }
      - uses: actions/cache@55cc8345863c7cc4c66a329aec7e433d2d1c52a9
        with: { path: code, key: "a-${{ hashFiles('code/readme') }}" }
      - uses: sigstore/cosign-installer@6f9f17788090df1f26f669e9d70d6ae9567deba6
      - run: cosign verify something
      - uses: anchore/sbom-action@e22c389904149dbc22b58101806040fa8d37a610
        with: { path: code, output-file: sbom.json, artifact-name: sbom }
      - uses: anchore/scan-action@e1165082ffb1fe366ebaf02d8526e7c4989ea9d2
        id: scan
        with: { sbom: sbom.json, severity-cutoff: high }
      - uses: github/codeql-action/upload-sarif@5595ccaf912efad79be6eef63a5619ff05969be3
        with: { sarif_file: "${{ steps.scan.outputs.sarif }}" }
      - uses: ossf/scorecard-action@2d1146689b8cda280b9bc96326124645441f03bc
        with: { results_file: score.sarif, results_format: sarif }
      - uses: actions/dependency-review-action@2031cfc080254a8a887f58cffee85186f0e49e48
      - uses: zizmorcore/zizmor-action@3dc1ecc9bcb9e94e9b2c709687979e1298497054
        with: { inputs: code, advanced-security: true }
      - uses: actions/attest@1e69f48acb82d1966a394da916b4c1698aa569d6
        with: { subject-path: code/readme, sbom-path: sbom.json }
      - run: mkdir -p out/.hidden && touch out/.hidden/a out/b out/c
      - uses: UPLOAD
        with:
          name: many
          path: |
            out/*
            !out/c
      - uses: UPLOAD
        with: { path: sbom.json, archive: false }
      - run: sleep 1000 &
  collect:
    needs: tools
    runs-on: ubuntu-24.04
    steps:
      - uses: DOWNLOAD
        with: { path: all }
      - run: find all -type f | sort | tee -a "$GITHUB_STEP_SUMMARY"
      - uses: DOWNLOAD
        with: { name: unknown }
        continue-on-error: true
        id: none
      - run: test "${{ steps.none.outcome }}" = failure
"""
ACTION = """
name: Setup
description: Makes a file.
inputs:
  folder: { description: Where., required: true }
runs:
  using: composite
  steps:
    - run: mkdir -p "$FOLDER/deep" && echo hello > "$FOLDER/deep/file"
      shell: bash
      env: { FOLDER: "${{ inputs.folder }}" }
"""


def _pinned(text: str) -> str:
    for short, long in (("CHECKOUT", CHECKOUT), ("UPLOAD", UPLOAD), ("DOWNLOAD", DOWNLOAD)):
        text = text.replace(short, long)
    return text


FILES = {"main.yml": MAIN, "caller.yml": CALLER, "called.yml": CALLED, "tools.yml": TOOLS}
WORKFLOWS = {name: _pinned(text) for name, text in FILES.items()}
