#!/bin/bash
# The program, its completions and its manual; licences of what is linked in beside the recipe's own.
set -euxo pipefail

cargo-bundle-licenses --format yaml --output THIRDPARTY.yml
RUST_BACKTRACE=1 cargo install --no-track --locked --verbose --root "$PREFIX" --path .

"$PREFIX/bin/mirscope" man --dir "$PREFIX/share/man/man1"
mkdir -p "$PREFIX/share/bash-completion/completions" "$PREFIX/share/zsh/site-functions" "$PREFIX/share/fish/vendor_completions.d"
"$PREFIX/bin/mirscope" completions bash > "$PREFIX/share/bash-completion/completions/mirscope"
"$PREFIX/bin/mirscope" completions zsh > "$PREFIX/share/zsh/site-functions/_mirscope"
"$PREFIX/bin/mirscope" completions fish > "$PREFIX/share/fish/vendor_completions.d/mirscope.fish"
