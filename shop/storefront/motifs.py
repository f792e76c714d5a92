"""Linocuts of what a gift shop by a harbour sells: the insides of SVGs of 400 × 400, standing on y = 320.

Classes are inks, which the style sheet mixes: b, c, d, e fill (light, colour, dark, paper); k, l, m draw lines (dark,
paper, colour).
"""

MOTIFS = {
    "mug": """
<path class="m x2" d="M258 196h22a34 34 0 0 1 0 68h-26"/>
<path class="c" d="M118 168h144v112a40 40 0 0 1-40 40h-64a40 40 0 0 1-40-40Z"/><ellipse class="d" cx="190" cy="168" rx="72" ry="15"/>
<path class="l" d="M120 232q18-20 36 0t36 0 36 0 32 0M122 258q18-20 36 0t36 0 36 0 30 0"/>
<path class="k" d="M165 132q-16-18 0-36t0-36M215 132q-16-18 0-36t0-36"/>""",
    "tea": """
<path class="c" d="M112 150h176v150a20 20 0 0 1-20 20H132a20 20 0 0 1-20-20Z"/><path class="d" d="M104 124h192v34H104Z"/>
<path class="d" d="M140 96h120v28H140Z"/><rect class="e" x="136" y="188" width="128" height="96" rx="6"/>
<path class="m" d="M200 272v-52"/><path class="c" d="M200 246c-34 4-44-16-44-30 24-2 42 8 44 30Zm0-10c2-22 20-32 44-30 0 18-14 32-44 30Z"/>
<path class="l" d="M112 300h176"/>""",
    "teapot": """
<path class="m x2" d="M96 236c-34-22-40 40 20 46"/><path class="c" d="M284 250c34-6 24-58 56-66l8 16c-22 12-16 70-62 78Z"/>
<path class="c" d="M104 246a96 74 0 0 1 192 0c0 44-30 74-60 74h-72c-30 0-60-30-60-74Z"/>
<path class="d" d="M140 186a64 30 0 0 1 120 0Z"/><circle class="d" cx="200" cy="150" r="14"/>
<path class="l" d="M118 250q20-22 41 0t41 0 41 0 41 0M126 278q19-20 37 0t37 0 37 0 37 0"/>""",
    "candle": """
<path class="c" d="M128 190h144v116a14 14 0 0 1-14 14H142a14 14 0 0 1-14-14Z"/><ellipse class="e" cx="200" cy="190" rx="72" ry="16"/>
<path class="k" d="M200 190v-34"/><path class="d" d="M200 60c34 40 38 62 30 80-10 22-50 22-60 0-8-18-4-40 30-80Z"/>
<path class="e" d="M200 104c16 20 16 30 12 38-6 10-18 10-24 0-4-8-4-18 12-38Z"/>
<rect class="e" x="158" y="226" width="84" height="60" rx="4"/><path class="k x1" d="M172 246h56M172 264h36"/>""",
    "towel": """
<path class="d" d="M64 84h272v14H64Z"/><path class="c" d="M104 98h192v200H104Z"/><path class="b" d="M104 98h40v200h-40Zm152 0h40v200h-40Z"/>
<path class="l" d="M104 226h192M104 244h192M104 262h192"/><path class="m x1" d="M110 298v20m15-20v20m15-20v20m15-20v20m15-20v20m15-20v20m15-20v20m15-20v20m15-20v20m15-20v20m15-20v20m15-20v20m14-20v20"/>
<path class="l x1" d="M168 130v70M232 130v70"/>""",
    "soap": """
<rect class="d" x="84" y="282" width="232" height="38" rx="19"/><path class="c" d="M108 232a34 34 0 0 1 34-34h116a34 34 0 0 1 34 34v50H108Z"/>
<path class="l" d="M150 240q16-18 33 0t33 0 33 0"/><circle class="e" cx="150" cy="140" r="30"/><circle class="e" cx="214" cy="108" r="20"/>
<circle class="e" cx="250" cy="156" r="14"/><path class="k x1" d="M136 132a16 16 0 0 1 14-12M206 102a9 9 0 0 1 8-6"/>""",
    "jar": """
<rect class="d" x="128" y="92" width="144" height="40" rx="8"/><path class="c" d="M120 152c0-12 8-20 20-20h120c12 0 20 8 20 20v144a24 24 0 0 1-24 24H144a24 24 0 0 1-24-24Z"/>
<path class="e" d="M120 184h160v92H120Z"/><circle class="c" cx="178" cy="228" r="18"/><circle class="c" cx="216" cy="236" r="18"/>
<path class="k" d="M180 210c4-16 14-20 26-20M214 218c0-14-4-22-8-28"/><path class="l x1" d="M140 150v20"/>""",
    "bottle": """
<path class="c" d="M172 148c0 26-36 34-36 74v78a20 20 0 0 0 20 20h88a20 20 0 0 0 20-20v-78c0-40-36-48-36-74V92h-56Z"/>
<path class="d" d="M168 62h64v40h-64Z"/><path class="e" d="M136 226h128v64H136Z"/>
<path class="m" d="M156 270l44-34 44 34"/><path class="l x1" d="M188 120v40"/>""",
    "blanket": """
<path class="c" d="M84 262h232a29 29 0 0 1 0 58H84Z"/><path class="b" d="M84 204h232a29 29 0 0 1 0 58H84Z"/><path class="d" d="M84 146h232a29 29 0 0 1 0 58H84Z"/>
<path class="l" d="M84 291h232M84 175h232"/><path class="k x1" d="M110 220l18 14-18 14m40-28l18 14-18 14m40-28l18 14-18 14m40-28l18 14-18 14m40-28l18 14-18 14"/>
<path class="m x1" d="M84 152H62m22 14H62m22 14H62m22 14H62m22 76H62m22 14H62m22 14H62m22 14H62"/>""",
    "cushion": """
<path class="c" d="M84 134c70 22 162 22 232 0 10 0 14 6 12 14-20 56-20 110 0 160 2 8-4 14-14 12-70-20-158-20-228 0-10 2-16-4-14-12 20-50 20-104 0-160-2-8 2-14 12-14Z"/>
<path class="l" d="M110 170q23-24 45 0t45 0 45 0 45 0M104 226q24-24 48 0t48 0 48 0 48 0M110 282q23-24 45 0t45 0 45 0 45 0"/>""",
    "book": """
<path class="d" d="M104 96h184a12 12 0 0 1 12 12v200a12 12 0 0 1-12 12H104Z"/><path class="e" d="M112 292h180v20H112Z"/>
<path class="c" d="M104 96h176a12 12 0 0 1 12 12v176H104a14 14 0 0 0-14 14V110a14 14 0 0 1 14-14Z"/>
<path class="l" d="M122 96v188"/><circle class="e" cx="208" cy="190" r="52"/><path class="m" d="M208 150v80M184 172h48M170 204c8 26 68 26 76 0"/>""",
    "card": """
<path class="e" d="M78 170h244v150H78Z"/><path class="c" d="M124 92h152v140l-76 52-76-52Z"/>
<path class="k" d="M80 172l120 92 120-92M78 170v150h244V170"/>
<path class="e" d="M200 204c-46-30-40-66-18-66 10 0 16 8 18 16 2-8 8-16 18-16 22 0 28 36-18 66Z"/>""",
    "print": """
<path class="d" d="M96 64h208v256H96Z"/><path class="e" d="M112 80h176v224H112Z"/><path class="b" d="M128 96h144v192H128Z"/>
<path class="c" d="M186 270l8-110h22l8 110Z"/><path class="d" d="M188 138h34v22h-34Z"/><path class="c" d="M184 138l21-24 21 24Z"/>
<path class="k x1" d="M128 270q18-14 36 0t36 0 36 0 36 0"/><path class="l x1" d="M191 200h28M189 232h34"/><path class="k x1" d="M232 148l28-10M232 150l28 12M178 148l-28-10M178 150l-28 12"/>""",
    "lighthouse": """
<path class="c" d="M164 320l16-180h40l16 180Z"/><path class="d" d="M176 104h48v36h-48Z"/><path class="c" d="M168 104l32-36 32 36Z"/>
<path class="e" d="M173 220h54l4 40h-61Zm6-56h42l3 30h-48Z"/><path class="d" d="M104 320c20-26 60-34 96-34s76 8 96 34Z"/>
<path class="k" d="M240 118l60-20M240 124l60 14M160 118l-60-20M160 124l-60 14"/>""",
    "boat": """
<path class="d" d="M88 262h224l-34 52a14 14 0 0 1-12 6H134a14 14 0 0 1-12-6Z"/><path class="k" d="M200 262V72"/>
<path class="c" d="M212 84c50 40 70 92 76 156h-76Z"/><path class="e" d="M188 108c-34 36-54 82-60 132h60Z"/>
<path class="l x1" d="M110 284h180"/><path class="m" d="M60 334q20-18 40 0t40 0 40 0 40 0 40 0 40 0 40 0"/>""",
    "lantern": """
<path class="k" d="M160 104a40 40 0 0 1 80 0"/><path class="d" d="M136 104h128l16 34H120Z"/><path class="d" d="M120 292h160v28H120Z"/>
<path class="e" d="M132 138h136v154H132Z"/><path class="k" d="M132 138v154M268 138v154M200 138v20"/>
<path class="c" d="M174 292v-56h52v56Z"/><path class="c" d="M200 166c22 28 24 42 18 54-8 14-28 14-36 0-6-12-4-26 18-54Z"/>""",
    "plate": """
<circle class="c" cx="200" cy="200" r="118"/><circle class="e" cx="200" cy="200" r="84"/><circle class="d" cx="200" cy="200" r="70"/>
<path class="e" d="M150 204c24-36 66-36 88-8l26-22v60l-26-22c-22 28-64 28-88-8Z"/><circle class="d" cx="176" cy="198" r="6"/>
<path class="k x1" d="M204 182c8 12 8 28 0 40"/>""",
    "bowl": """
<path class="c" d="M82 200h236c0 66-40 108-80 108h-76c-40 0-80-42-80-108Z"/><ellipse class="d" cx="200" cy="200" rx="118" ry="24"/><path class="d" d="M158 304h84v16h-84Z"/>
<path class="l" d="M98 244q17-18 34 0t34 0 34 0 34 0 34 0 34 0"/><path class="k" d="M236 190l56-100"/><ellipse class="d" cx="296" cy="82" rx="14" ry="22" transform="rotate(30 296 82)"/>""",
    "basket": """
<path class="m x2" d="M112 214c0-150 176-150 176 0"/><path class="c" d="M80 206h240l-26 100a18 18 0 0 1-18 14H124a18 18 0 0 1-18-14Z"/>
<path class="d" d="M72 190h256v28H72Z"/><path class="l" d="M96 244h208M102 270h196M110 296h180M140 218l12 100M200 218v102M260 218l-12 100"/>""",
    "bag": """
<path class="k" d="M152 164V120a48 48 0 0 1 96 0v44"/><path class="c" d="M96 150h208l14 170H82Z"/>
<path class="e" d="M200 190a14 14 0 1 1 0 28 14 14 0 0 1 0-28Z"/><path class="l" d="M200 218v74M176 238h48M158 262c4 40 80 40 84 0"/>""",
    "apron": """
<path class="k" d="M160 110c0-50 80-50 80 0"/><path class="c" d="M152 104h96v58c0 16 20 24 44 28v130H108V190c24-4 44-12 44-28Z"/>
<path class="d" d="M148 218h104v58a14 14 0 0 1-14 14h-76a14 14 0 0 1-14-14Z"/><path class="l" d="M108 304h184"/><path class="k" d="M108 196l-40 18M292 196l40 18"/>
<path class="l x1" d="M148 238h104"/>""",
    "clock": """
<circle class="d" cx="200" cy="200" r="120"/><circle class="c" cx="200" cy="200" r="104"/><circle class="e" cx="200" cy="200" r="82"/>
<path class="k" d="M200 134v14M200 252v14M134 200h14M252 200h14M200 200l-32-38M200 200l50-18"/><circle class="d" cx="200" cy="200" r="9"/>
<path class="d" d="M184 60h32v26h-32Z"/>""",
    "bear": """
<circle class="c" cx="148" cy="104" r="26"/><circle class="c" cx="252" cy="104" r="26"/><ellipse class="c" cx="200" cy="258" rx="78" ry="66"/>
<circle class="c" cx="200" cy="150" r="70"/><ellipse class="e" cx="200" cy="172" rx="32" ry="24"/><circle class="d" cx="174" cy="138" r="8"/><circle class="d" cx="226" cy="138" r="8"/>
<path class="d" d="M188 162h24l-12 14Z"/><ellipse class="e" cx="200" cy="264" rx="42" ry="40"/><ellipse class="d" cx="142" cy="306" rx="32" ry="18"/><ellipse class="d" cx="258" cy="306" rx="32" ry="18"/>
<path class="k x1" d="M200 176v10q-10 10-18 4M200 186q10 10 18 4"/>""",
    "socks": """
<path class="c" d="M120 80h72v128l-60 76a38 38 0 0 1-60-46l48-62Z"/><path class="d" d="M120 80h72v34h-72Z"/>
<path class="c" d="M216 104h72v128l-60 76a38 38 0 0 1-60-46l48-62Z"/><path class="d" d="M216 104h72v34h-72Z"/>
<path class="l" d="M122 138h68M122 160h68M218 162h68M218 184h68"/>""",
    "hat": """
<path class="c" d="M92 244c0-150 216-150 216 0Z"/><path class="d" d="M80 240h240a14 14 0 0 1 14 14v38a14 14 0 0 1-14 14H80a14 14 0 0 1-14-14v-38a14 14 0 0 1 14-14Z"/>
<circle class="e" cx="200" cy="112" r="30"/><path class="l" d="M140 156l-16 80M180 142l-6 94M220 142l6 94M260 156l16 80"/><path class="l x1" d="M100 252v42m28-42v42m28-42v42m28-42v42m28-42v42m28-42v42m28-42v42m28-42v42"/>""",
    "vase": """
<path class="m" d="M200 190c0-60-10-80-40-104M200 190c0-50 4-90 2-124M200 190c2-56 16-76 44-96"/>
<circle class="d" cx="158" cy="84" r="22"/><circle class="d" cx="202" cy="62" r="24"/><circle class="d" cx="248" cy="92" r="22"/><circle class="e" cx="158" cy="84" r="8"/><circle class="e" cx="202" cy="62" r="9"/><circle class="e" cx="248" cy="92" r="8"/>
<path class="c" d="M164 176h72c-6 30 44 50 44 92 0 32-20 52-40 52h-80c-20 0-40-20-40-52 0-42 50-62 44-92Z"/><path class="l" d="M124 262q19-20 38 0t38 0 38 0 38 0"/>""",
    "board": """
<path class="c" d="M178 64h44v66h-44Z"/><path class="c" d="M128 124h144a24 24 0 0 1 24 24v148a24 24 0 0 1-24 24H128a24 24 0 0 1-24-24V148a24 24 0 0 1 24-24Z"/>
<circle class="e" cx="200" cy="84" r="9"/><path class="l x1" d="M128 160c50 20 90-10 144 8M128 200c50 20 90-10 144 8M128 240c50 20 90-10 144 8M128 280c50 20 90-10 144 8"/>""",
    "rope": """
<path class="c" d="M72 264h256v56H72Z"/><path class="c" d="M84 208h232v56H84Z"/><path class="c" d="M100 152h200v56H100Z"/>
<path class="l" d="M96 318l24-52m20 52l24-52m20 52l24-52m20 52l24-52m20 52l24-52M106 262l24-52m20 52l24-52m20 52l24-52m20 52l24-52M124 206l24-52m20 52l24-52m20 52l24-52m20 52l20-44"/>
<path class="m x2" d="M290 170c40-10 50-50 20-70"/>""",
    "star": """
<path class="k" d="M200 40v60"/><path class="c" d="M200 92l32 74 80 8-60 54 18 80-70-42-70 42 18-80-60-54 80-8Z"/>
<path class="l" d="M200 120v118M200 238l-62 40M200 238l62 40M200 238l-78-56M200 238l78-56"/>""",
    "bell": """
<path class="k" d="M200 60v30"/><path class="c" d="M128 264c14-20 14-60 16-92 6-52 34-82 56-82s50 30 56 82c2 32 2 72 16 92Z"/><path class="d" d="M110 260h180v28H110Z"/>
<circle class="d" cx="200" cy="304" r="16"/><path class="l" d="M150 212q12-16 25 0t25 0 25 0 25 0"/>""",
    "fish": """
<path class="c" d="M70 210c50-80 150-80 196-10l64-52v124l-64-52c-46 70-146 70-196-10Z"/><circle class="e" cx="122" cy="196" r="13"/><circle class="d" cx="122" cy="196" r="6"/>
<path class="l" d="M160 168c16 24 16 60 0 84M196 168c12 20 12 64 0 84M228 180c8 18 8 42 0 60"/><path class="m" d="M60 310q20-18 40 0t40 0 40 0 40 0 40 0 40 0 40 0"/>""",
    "shell": """
<path class="c" d="M200 308l-110-108c-20-80 60-120 110-120s130 40 110 120Z"/><path class="d" d="M168 288h64v32h-64Z"/>
<path class="l" d="M200 300V92M200 300L146 106M200 300L254 106M200 300L106 158M200 300L294 158"/>""",
    "harbour": """
<path class="c" d="M60 320V196l44-40 44 40v124Z"/><path class="d" d="M148 320V158l40-44 40 44v162Z"/><path class="c" d="M228 320V186l52-46 52 46v134Z"/>
<path class="e" d="M84 212h20v26H84Zm0 50h20v26H84Zm92-74h24v30h-24Zm0 56h24v30h-24Zm76-30h22v28h-22Zm36 0h22v28h-22Zm-36 54h22v52h-22Z"/>
<path class="k" d="M40 340q20-16 40 0t40 0 40 0 40 0 40 0 40 0 40 0 40 0"/><path class="k x1" d="M120 84q12-14 24 0q12-14 24 0M236 70q10-12 20 0q10-12 20 0"/>""",
}
