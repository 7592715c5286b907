// Written by `npm run kernels` from kernels/*/simd.ts; a test compares it with them. Do not edit.
export const fmaModule: string =
  '({3{E{?)((()K+{2.{Q{Q{Q{Q{Q{Q({24{Q{Q{Q{Q{Q{Q{Q{Q{Q{Q{Q{Q({2/{Q{Q{Q{Q{Q{Q{Q(*:)+{7{@{H.{?{7{?{A{D{K*+){R{R,+43)*((((((()' +
  ').5*{Q)k(3{Q(k{R{S@3/{601{I{A{D{={E{B{3{5{7+(1{)y{!u{#zkmo+).{?{3{F{?{G{>(/8{?{3{F{?{G{>{%{D{3{@{E{B{A{E{7{6(,3{?{3{F{?{' +
  'G{>q{D{3{6k(.3{?{3{F{?{G{>q{D{3{6l(-/{B{D{A{6{G{5{F((.{?{7{?{A{D{K*(2{YD3V(H(H.k*{FH)H/k*{FH0k*{FH*H1k*{FH2k*{FH+H,H-H3k' +
  '(q813|i+*.{Q.{MH,k,pH.k,p{C,j+jH-H/t,jH(H*#(,(#3,(H/k){<I/H(H){<I(H*H+{<I*4)3373H.k,p,jH*H,{<J3H,{<J2H,{<I1+jH/k,{<J0H-v' +
  ',jH(H*H4{<#(,(J8H3H4{<#(,(J7#5()*+89:;,-./<=>?J9H2H4{<#(,(J6H1H4{<#(,(J5#5()*+89:;,-./<=>?J:#5()*+,-./89:;<=>?#3,(H(H){<' +
  'H9H:#501234567@ABCDEFG#3,(H)k){FJ/H({<J(H8H7#50123@ABC4567DEFGJ7H6H5#50123@ABC4567DEFGJ5#5()*+,-./89:;<=>?#3,(H(H){<H7H5' +
  '#501234567@ABCDEFG#3,(H(H/{<I(H0I/H4k8{<I44)33H*H4{<I*3+jH-H/t,jH(#4((((((((((((((((#3,(k(I0+jH.H0u,jH(H0k*{F{<H*H,H0{>{' +
  '<R*(b*(H0k){<I04)33H/k){<I/H(H){<I(H*H+{<I*4)333|j*)3{MH*H,k,{F{<I,+jH*H,s,jH*#1*(J7H+#(,(J6H.#{W*I.H7H+#(,8J7H/#{W*I/H*' +
  '#1*,J8H6H0#{W*I0H8H7H1#{W*I1H*#1*0J8H6H2#{W*I2H8H7H3#{W*I3H*#1*4J8H6H4#{W*I4H8H7H5#{W*I5H*k8{<I*H+kH{<I+4)33H(H-,{MH(#(,' +
  '8H/#|b)I/H(#(,(H.#|b)-H.3#3,(H(H/#3,8H(H){<J(H-,{MH(#(,8H1#|b)I1H(#(,(H0#|b)-H03#3,(H(H1#3,8H(H){<J(H-,{MH(#(,8H3#|b)I3H' +
  '(#(,(H2#|b)-H23#3,(H(H3#3,8H(H){<J(H-,{MH(#(,8H5#|b)I5H(#(,(H4#|b)-H43#3,(H(H5#3,83{^*).{QH-k{J{CI2H,k-{FI3H+k,p,j+jH,H0' +
  't,jH)I.H(H0k-{F{<I/k(I1+jH1H2r,jH/H.#(,(#3,(H/H.#(,8#3,8H1k0{<I1H.kH{<I.H/H3{<I/4)33H0k){<I0H)H*{<I)4)33H)H*H,{>{=I)3H2k' +
  '(H+k,pCI.+jH-H.t,jH(H.k+{GH3{>{<J/kHH)H+H.{>{<J0H*H+H,k,H-H.{=J1H1k,tC8)H/k8{<kHH0H+k*{F{<H*H+H,k,H1k,{=J/H/k,tCJ/k(H/k(' +
  'xC8)H.k0{<I.4)333D(H(H)H*H+H,H-H,H-k)k)H-k(8(3D(H(H)H*H-H,H+H,k)H-H,k)k)8(3D(H(H)H*H+H-H,H-H,k)k)H,k)8(3D(H(H)H*H+H,H-H,' +
  'H-k)H,k)k(8(3|e-*+{Q8{M+jH/k,{<J.H-v,jH+#(,(J3H+H,{<#(,(J2#5()*+89:;,-./<=>?I7H+H,k){F{<#(,(J1H+H,k+{>{<#(,(J4#5()*+89:;' +
  ',-./<=>?I6H+H,k*{F{<#(,(J<H+H,k-{>{<#(,(J;#5()*+89:;,-./<=>?I>H+H,k.{>{<#(,(J:H+H,k/{>{<#(,(J9#5()*+89:;,-./<=>?I=H)H*k+' +
  '{>{<#1*(J8H3H2#50123@ABC4567DEFGJ2H1H4#50123@ABC4567DEFGJ1#501234567@ABCDEFGH)H*k){F{<#1*(J5H2H1#5()*+,-./89:;<=>?H)H*{<' +
  '#1*(J4H7H6#501234567@ABCDEFGH)#1*(J3H7H6#5()*+,-./89:;<=>?H@#{W*#{W*#{W*#{W*I@H8H<H;#50123@ABC4567DEFGJ2H:H9#50123@ABC45' +
  '67DEFGJ1#501234567@ABCDEFGH5H2H1#5()*+,-./89:;<=>?H4H>H=#501234567@ABCDEFGH3H>H=#5()*+,-./89:;<=>?H?#{W*#{W*#{W*#{W*I?H)' +
  'H*k*{F{<I)H.I/H+k8{<I+4)33+jH-H/t,jH)#1*(J1H,k+{>J.H+{<H,k){FJ0H+{<H+H,{<H+#{.*(#{(*()#{(*(*#{(*(+H@#{W*I@H1H.H+H,k*{F{<' +
  'J.{<H.H0{<H,H.{<H.#{.*(#{(*()#{(*(*#{(*(+H?#{W*I?H/k){<I/H)H*{<I)H+k,{<I+4)33H(H@#3,(H(H?#3,83{[/*@{Q+{MK(J8k{R{R8{<J<k{' +
  'R{R0{<ICH2H3{Do,j+jH0H5t,jH(H)H5{>{<k(H1k*{F!3(H5k){<I54)333H0k,r,jH(H)H*H+H,H-H.H/H0H1H2H38273+jH2HAt,jk{R*H2HA{=J4H4k{' +
  'R*tCI@H3HAk(tH3CIDk(I5+jH0H5t,jH5H0H5k{R*{<J4H0H4rCJFH5{=k{N{C{<IEH*H,HA{>{<IGH5I4H8I6+jH4HEr,jH6k8HGH+H4{>{<H,H+H@k,8)H' +
  '4k,{<I4H6H@k,{F{<I64)33k(I4+jH1H4t,jH<H-H.HA{>{<H/H4{>{<H.H/H@H1H4k{R){<J6H1H6rCJHH4{=8+H5I6H8I:+jH6HFr,jH(H)H6{>{<H4k*{' +
  'F{<IBH4I;H<I7+jH;HHr,jk,HFH6{=J9H9k,tCII*jk0HHH;{=J9H9k0tCJJk0pH6HEr{C,jHBH)H:H7H@HD8*4)3H6HEr,jHCkHH:H7H@k(8*-k(I=+jH=H' +
  'Is,jHCH=k-{F{<IKHGH6H={<H+{>{<I?H7I9k(I>#4((((((((((((((((IM#4((((((((((((((((IL+jH>H@r,jH?#1*(JNH9#(,(HM#{W*IMHNH9#(,8H' +
  'L#{W*ILH>k){<I>H,H?{<I?H9kH{<I94)33HKHM#3,(HKHL#3,8H=k){<I=4)333k(I?+jH?HIs,jHBH)H?{>{<I=HCH?k-{F{<I>*jHJk0p,jH>#(,(IMH>' +
  '#(,8ILHD,jH=#(,(HM#|b)IMH=#(,8HL#|b)IL3H=HM#3,(H=HL#3,84)3k(I9+jH9HJr,jH=HD,{OH=R*(H>R*({f-H>R*(3b*(H9k){<I9H=k,{<I=H>k,' +
  '{<I>4)333H?k){<I?4)333H;k0{<I;H7H@k-{F{<I7HBkH{<IB4)33H6k,{<I6H:H@k,{F{<I:4)33H4k{R){<I44)33H5k{R*{<I54)33HAk{R*{<IA4)33' +
  '3{W-*4{Q+{MK(J7k{Rj{=I5+jH2H:t,jk{R*H2H:{=J4H4k{R*tCI=H3H:k(tH3CI?k(I;+jH1H;t,jH-H.H:{>{<H/H;{>{<I6k0H1H;{=J4H4k0tCJ>k0r' +
  ',jH7H6H.H/H=H>8+3k(I<+jH0H<t,jH*H,H:{>{<H+H<{>{<I8H>k0r,jH7I4k(I9#4((((((((((((((((I@#4((((((((((((((((IA+jH9H=r,jH8#1*(' +
  'JBH4#(,(H@#{W*I@HBH4#(,8HA#{W*IAH9k){<I9H,H8{<I8H4kH{<I44)33H5H@#3,(H5HA#3,8-H/k,p,jH6I4k(I9#4((((((((((((((((I@#4((((((' +
  '((((((((((IA+jH9H=r,jH8#1*(JBH4#(,(H@#{W*I@HBH4#(,8HA#{W*IAH9k){<I9H,H8{<I8H.H4{<I44)33H5H@#3,(H5HA#3,8-H5H8H,H6H/H=8033' +
  'H(H)H<{>{<H;k*{F{<I8H5I4*jH>k0p,jH4#(,(I@H4#(,8IAH8H?,{MH8#(,8HA#|b)IAH8#(,(H@#|b)-H@3#3,(H8HA#3,84)3k(I9+jH9H>r,jH8H?,{' +
  'OH8R*(H4R*({f-H4R*(3b*(H9k){<I9H8k,{<I8H4k,{<I44)333H<k){<I<4)33H;k0{<I;4)33H:k{R*{<I:4)333';
